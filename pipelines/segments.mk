# Segments of customers, and what sets a group apart.

#: segments      put the customers of VIEWS in segments, say what sets each apart,
#:               draw it: as many as halves of the log bear out (HALF_BY= as for
#:               eval), or K=18; LIKE=OLD.tsv keeps numbers; SEGMENT= CONTRAST=
#:               pass options
K =
LIKE =
SEGMENT =
CONTRAST =
#: contrast      what sets the customers in the file GROUP apart; AGAINST=FILE
GROUP =
AGAINST =
like := $(value LIKE)
group := $(value GROUP)
against := $(value AGAINST)
ifneq ($(findstring $(newline),$(K)$(like)$(group)$(against)$(SEGMENT)$(CONTRAST)),)
$(error a value on the command line holds a newline)
endif

.PHONY: segments contrast
segments: $(MODEL)/emb.bin $(BIN)/cs-segment $(BIN)/cs-contrast
	@BIN=$(BIN) $(beside)segments $(MODEL) $(call quote,$(K)) \
		$(call quote,$(like)) \
		'$(matrix-$(RECIPE)) $(MATRIX)' '$(svd-$(RECIPE)) $(SVD)' \
		$(call quote,$(SEGMENT)) $(call quote,$(CONTRAST)) $(halves)

contrast: $(trained) $(BIN)/cs-contrast
	@[ -n $(call quote,$(group)) ] || \
		{ echo "make contrast: say GROUP=FILE" >&2; exit 2; }
	@$(BIN)/cs-contrast --group $(call quote,$(group)) \
		$(if $(against),--against $(call quote,$(against))) \
		$(CONTRAST) $(MODEL)/emb.bin
