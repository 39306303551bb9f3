# Is the similarity right?  Models of one half of the log, measured on the
# other: cs-eval(1) says what each figure means.

#: eval          measure RECIPE on halves of VIEWS, beside RECIPE=classic:
#:               HALF_BY=COLUMN keeps what has one basket, or tag, in one half;
#:               EVAL= passes options
HALF_BY =
EVAL =
half_by := $(value HALF_BY)
ifneq ($(findstring $(newline),$(half_by)),)
$(error HALF_BY holds a newline)
endif

evaluate := $(beside)evaluate
halves = $(AGGREGATE) $(if $(tags),--tags $(call quote,$(tags))) \
	$(if $(half_by),--half-by $(call quote,$(half_by))) \
	-- $(call quote,$(views))
evaluated := $(patsubst %,$(BIN)/cs-%,aggregate matrix svd eval)

.PHONY: eval
eval: $(evaluated)
	@mkdir -p $(MODEL)/halves
	@BIN=$(BIN) CLASSIC_MATRIX='$(matrix-classic)' \
		CLASSIC_SVD='$(svd-classic)' $(evaluate) eval $(MODEL)/halves \
		$(call quote,$(matrix-$(RECIPE)) $(MATRIX)) \
		$(call quote,$(svd-$(RECIPE)) $(SVD)) $(call quote,$(EVAL)) \
		$(halves)
