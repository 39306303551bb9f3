# Past one machine: the stages as jobs of Slurm, or on the hosts of a file.

#: cluster-pipeline  train on LOGS in SHARDS [4] by NODES [2] of Slurm, in
#:               CLUSTER [cluster]; INDEX=auto or a number of cells adds an
#:               index; QUERIES=FILE also searches for customers; again: what
#:               is missing.  HOSTFILE=FILE: without Slurm
#: cluster-status  what of it is done, running, or failed and why
LOGS = $(VIEWS)
SHARDS = 4
NODES = 2
CLUSTER = cluster
QUERIES =
INDEX =
HOSTFILE =

.PHONY: cluster-pipeline cluster-status
cluster-pipeline: export AGGREGATE := $(AGGREGATE)
cluster-pipeline: export MATRIX := $(MATRIX)
cluster-pipeline: export SVD := $(SVD)
cluster-pipeline: export KNN := $(KNN)
cluster-pipeline: export INDEX := $(INDEX)
cluster-pipeline: export QUERIES := $(QUERIES)
cluster-pipeline: export PATH := $(abspath $(BIN)):$(PATH)
cluster-pipeline: all
	@$(if $(HOSTFILE),pipelines/hostfile/run $(call quote,$(CLUSTER)) \
		$(SHARDS) $(call quote,$(HOSTFILE)), \
		pipelines/slurm/submit $(call quote,$(CLUSTER)) $(SHARDS) $(NODES)) \
		$(LOGS)
cluster-status:
	@pipelines/slurm/status $(call quote,$(CLUSTER))
