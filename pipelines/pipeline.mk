# The main job: a log of events made a model, and a customer described.
#
# The Makefile of the checkout includes this file; beside installed programs
# it stands alone:  make -f .../pipeline.mk pipeline VIEWS=my.csv
#
# What is made depends on the text of the command that makes it and, for the
# log, on the file's name, size and time, so names may hold blanks.

beside := $(dir $(lastword $(MAKEFILE_LIST)))
include $(beside)make.mk

#: pipeline      train on VIEWS [data/views.csv] and describe customer U [1]:
#:               TAGS=FILE[:ITEM,TAG] joins tags, and with TAGS=FILE:ITEM,TAG,...
#:               LEVELS="item=1 tag=.5 ..." compares items and tags, a share each;
#:               LEARN=1 weighs dimensions by halves of VIEWS (HALF_BY=COLUMN);
#:               RECIPE=classic is the first recipe; AGGREGATE= MATRIX= SVD= KNN=
#:               SUMMARIZE= pass options
VIEWS = data/views.csv
TAGS =
LEVELS =
LEARN =
HALF_BY =
RECIPE = default
AGGREGATE =
MATRIX =
SVD =
KNN =
SUMMARIZE =
U = 1
MODEL = trained_model

# Where the programs are, unless a Makefile has said so: on the PATH.
ifeq ($(filter file command,$(origin BIN)),)
BIN := $(patsubst %/cs-aggregate,%,$(shell command -v cs-aggregate))
endif
ifeq ($(BIN),)
$(error cs-aggregate is not on the PATH: put the programs there)
endif

matrix-default =
svd-default =
knn-default =
matrix-first = --value sum --damp log --weight idf
svd-first =
knn-first = --metric embedding
matrix-classic = --value mean --damp none --weight none --norm none
svd-classic = -k 50 --center row --scale u --tol 1e-6
knn-classic = -n 15
# The model's folder is in the names of targets, which have no blanks or marks.
ifneq ($(or $(if $(value MODEL),,empty),$(filter -%,$(value MODEL)),$(shell \
	printf '%s' $(call quote,$(value MODEL)) | \
	LC_ALL=C tr -d 'A-Za-z0-9_./+@,~\200-\377-' | wc -c | grep -vx 0)),)
$(error MODEL=$(value MODEL): expected a path of letters, digits and _ . / + @ \
, ~ -, not - first)
endif
# What make tune found; it stands beside the model.
-include $(MODEL)/tuned.mk
ifeq ($(filter default first classic tuned,$(RECIPE)),)
$(error RECIPE=$(RECIPE): expected default, first, classic or tuned)
endif
ifeq ($(RECIPE) $(origin matrix-tuned),tuned undefined)
$(error RECIPE=tuned: there is no $(MODEL)/tuned.mk: run make tune before)
endif

# A name that is misspelt would leave the default in place, without a word.
goals := pipeline similar serve eval tune segments contrast spectrum database \
	from-database to-database
said := $(foreach name,$(.VARIABLES),$(if $(filter command, \
	$(firstword $(origin $(name)))),$(name)))
ifneq ($(filter $(goals),$(MAKECMDGOALS)),)
unknown := $(foreach name,$(filter-out TMPDIR OMP_% OPENBLAS_% PG% SLURM_%, \
	$(said)),$(shell grep -qE '^$(name) *[?:]?=|[$$][({]$(name)[):}]' \
	$(MAKEFILE_LIST) $(beside)*.mk && ! grep -q '[a-z]' <<< '$(name)' || \
	echo $(name)))
ifneq ($(strip $(unknown)),)
$(error $(firstword $(unknown)): no setting has that name: make help lists them)
endif
endif

# The values as they were said, dollars and all.
views := $(value VIEWS)
tags := $(value TAGS)
user := $(value U)
half_by := $(value HALF_BY)
ifneq ($(findstring $(newline),$(views)$(tags)$(user)$(half_by)$(AGGREGATE)$(MATRIX)$(SVD)),)
$(error a value on the command line holds a newline)
endif

# LEVELS: the name of each level and its share, the item's first.
levels := $(strip $(value LEVELS))
ifneq ($(levels),)
ifeq ($(tags),)
$(error LEVELS needs TAGS=FILE:ITEM,TAG: it names the item and its tags)
endif
ifneq ($(shell printf '%s' $(call quote,$(levels)) | \
	grep -vE '^([A-Za-z0-9_.-]+=[0-9.]+( |$$))+$$'),)
$(error LEVELS="$(levels)": expected a NAME=SHARE for each level)
endif
comma := ,
space := $(subst x,,x x)
levels-aggregate := --keep-item --levels $(subst $(space),$(comma),$(foreach \
	level,$(levels),$(firstword $(subst =, ,$(level)))))
levels-matrix := $(foreach level,$(levels),--block $(subst =,:=,$(level)))
endif

# A file's name, size and time, or its name alone where there is none; TAGS
# may end in the names of two columns.
state = $(shell f=$(call quote,$(1)); [ -e "$$f" ] || f=$${f%:*}; \
	stat -Lc '%n %s %.Y' -- "$$f" 2> /dev/null || printf '%s' "$$f")

# What asks a model, which is used as it is where it was made of another log
# than VIEWS, or of a database, and nothing says how to train: one that took
# hours is not replaced by one of the sample.
asking := similar serve contrast spectrum
training := VIEWS TAGS LEVELS LEARN HALF_BY RECIPE AGGREGATE MATRIX SVD
made-of := $(shell cat $(MODEL)/.profiles 2> /dev/null)
as-it-is := $(and $(made-of),$(wildcard $(MODEL)/emb.bin), \
	$(if $(filter-out $(asking),$(MAKECMDGOALS)),,asked), \
	$(if $(filter command,$(foreach name,$(training), \
		$(firstword $(origin $(name))))),,nothing said), \
	$(if $(findstring -- $(call quote,$(views)) <,$(made-of)),,another log))
trained := $(if $(as-it-is),,$(MODEL)/emb.bin)

.PHONY: pipeline similar forget
ifneq ($(filter pipeline similar serve eval segments contrast $(MODEL)/%,$(MAKECMDGOALS)),)
log := $(call state,$(views)) $(if $(tags),$(call state,$(tags)))
endif

# What became of the rows, and when they were: for the service's overview.
ifeq ($(findstring --report,$(AGGREGATE)),)
report := $(MODEL)/report.json
write-report := --report $(report)
else
report := $(shell printf '%s\n' $(call quote,$(AGGREGATE)) | \
	sed 's/.*--report[= ] *\([^ ]*\).*/\1/')
endif

profiles := $(BIN)/cs-aggregate $(AGGREGATE) $(write-report) \
	$(if $(tags),--tags $(call quote,$(tags))) $(levels-aggregate) \
	-o $(MODEL)/profiles.tsv -- $(call quote,$(views))
matrix := $(BIN)/cs-matrix $(matrix-$(RECIPE)) $(levels-matrix) $(MATRIX) \
	-o $(MODEL)/matrix.bin $(MODEL)/profiles.tsv
# LEARN: the halves of the log, as rows of the matrix.
ifneq ($(LEARN),)
learnt := $(foreach half,A B,$(MODEL)/learn-$(half).mat)
endif
half = $(BIN)/cs-aggregate -q --half $(1) $(AGGREGATE) \
	$(if $(tags),--tags $(call quote,$(tags))) $(levels-aggregate) \
	$(if $(half_by),--half-by $(call quote,$(half_by))) \
	-o $(MODEL)/learn-$(1).tsv -- $(call quote,$(views))
model := $(BIN)/cs-svd $(svd-$(RECIPE)) $(learnt:%=--learn %) $(SVD) \
	-o $(MODEL)/emb.bin $(MODEL)/matrix.bin
halves-of := $(if $(learnt),$(call half,A))
profiles-of := $(profiles) < $(log)

# The similarity of RECIPE and KNN, as cs-eval takes it: the last of each.
similarity := $(shell printf '%s\n' $(call quote, $(knn-$(RECIPE)) $(KNN)) | \
	grep -oE -- ' --(metric|alpha)[= ] *[^ ]+' | tr '\n' ' ')

# What make eval measured of this model, for its summary: of the same log and
# options.
model-of := $(profiles-of) $(matrix) $(model) $(halves-of) $(similarity)
measured = $(if $(call same,$(shell cat $(MODEL)/halves/.of 2> /dev/null),$(model-of)), \
	--measured $(MODEL)/halves/report.json)

$(MODEL)/.profiles: $(call changed,$(MODEL)/.profiles,profiles-of)
	$(call keep,profiles-of)
$(MODEL)/.matrix: $(call changed,$(MODEL)/.matrix,matrix)
	$(call keep,matrix)
$(MODEL)/.model: $(call changed,$(MODEL)/.model,model)
	$(call keep,model)
$(MODEL)/.learn: $(call changed,$(MODEL)/.learn,halves-of)
	$(call keep,halves-of)

$(MODEL)/profiles.tsv: $(MODEL)/.profiles $(BIN)/cs-aggregate
	$(profiles)
$(MODEL)/matrix.bin: $(MODEL)/profiles.tsv $(MODEL)/.matrix $(BIN)/cs-matrix
	$(matrix)
# Customers without a tag of the matrix are left out.
$(MODEL)/learn-%.mat: $(MODEL)/matrix.bin $(MODEL)/.learn
	$(call half,$*)
	$(BIN)/cs-matrix -q --as $< -o $@ $(MODEL)/learn-$*.tsv \
		2> $(MODEL)/learn-$*.said || [ $$? -eq 1 ] || \
		{ cat $(MODEL)/learn-$*.said >&2; exit 2; }
	@rm $(MODEL)/learn-$*.said $(MODEL)/learn-$*.tsv
$(MODEL)/emb.bin: $(MODEL)/matrix.bin $(learnt) $(MODEL)/.model $(BIN)/cs-svd
	$(model)
$(MODEL)/metadata.json: $(MODEL)/emb.bin $(BIN)/cs-dump
	$(BIN)/cs-dump --format json -o $@ $<

# The one customer, and those like it.
define describe
	@$(BIN)/cs-knn $(knn-$(RECIPE)) $(KNN) --profiles \
		--user=$(call quote,$(user)) \
		-o $(MODEL)/neighbours.tsv $(MODEL)/emb.bin
	@$(BIN)/cs-summarize $(measured) $(SUMMARIZE) $(MODEL)/neighbours.tsv
endef

described = $(BIN)/cs-knn $(BIN)/cs-summarize

pipeline: $(MODEL)/emb.bin $(MODEL)/metadata.json $(described)
	$(describe)
	@echo
	@echo "The model: $(MODEL)/emb.bin; what it is: $(MODEL)/metadata.json"

include $(addprefix $(beside),profile.mk serve.mk database.mk eval.mk \
	segments.mk)
similar: $(trained) $(trained:emb.bin=metadata.json) $(described) $(if $(profile),$(BIN)/cs-matrix $(BIN)/cs-project)
	$(if $(profile),$(describe-profile),$(describe))

forget:
	rm -rf $(MODEL)/halves $(MODEL)/*.cs-??????
	rm -f $(MODEL)/tuned.mk
	rm -f $(addprefix $(MODEL)/,profiles.tsv matrix.bin emb.bin \
		metadata.json report.json neighbours.tsv sigma.tsv events.tsv new.tsv \
		segments.tsv segments-curve.tsv segments-tags.tsv segments.svg \
		segments-curve.svg \
		new.mat new.bin .profiles .matrix .model .learn \
		$(foreach half,A B,$(addprefix learn-$(half).,mat tsv said)))
	@[ ! -d $(MODEL) ] || rmdir --ignore-fail-on-non-empty $(MODEL)
