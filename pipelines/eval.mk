# Is the similarity right?  Models of one half of the log, measured on the
# other: cs-eval(1) says what each figure means.

#: eval          measure RECIPE, and the similarity that KNN names, on halves of
#:               VIEWS, beside RECIPE=classic, and LEARN=1 beside the same without
#:               it; HALF_BY=COLUMN keeps what has one basket, or tag, in one half;
#:               EVAL= passes options
EVAL =

evaluate := $(beside)evaluate
halves = $(AGGREGATE) $(if $(tags),--tags $(call quote,$(tags))) $(levels-aggregate) \
	$(if $(half_by),--half-by $(call quote,$(half_by))) \
	-- $(call quote,$(views))
evaluated := $(patsubst %,$(BIN)/cs-%,aggregate matrix svd eval dump)

# evaluate JOB with these options of cs-matrix, cs-svd and cs-eval.
run-evaluate = BIN=$(BIN) LEARN=$(if $(LEARN),1) CLASSIC_MATRIX='$(matrix-classic)' \
	CLASSIC_SVD='$(svd-classic)' $(evaluate) $(1) $(MODEL)/halves \
	$(call quote,$(2)) $(call quote,$(3)) $(call quote,$(4) $(EVAL)) $(halves)

.PHONY: eval tune
eval: $(evaluated)
	@mkdir -p $(MODEL)/halves
	@rm -f $(MODEL)/halves/.of
	@$(call run-evaluate,eval,$(matrix-$(RECIPE)) $(levels-matrix) $(MATRIX),$(svd-$(RECIPE)) $(SVD),$(similarity))
	@printf '%s\n' $(call quote,$(model-of)) > $(MODEL)/halves/.of

#: tune          try other recipes and similarities on halves of VIEWS, and write
#:               the one to use as RECIPE=tuned; MATRIX= and SVD= pass options to
#:               all, SVD="-k 64" tries up to 64 dimensions instead of 256
tune: $(evaluated)
	@mkdir -p $(MODEL)/halves
	@$(call run-evaluate,tune,$(levels-matrix) $(MATRIX),-k 256 $(SVD))
