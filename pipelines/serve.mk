# The service: trained where there is no model yet, and started.

#: serve         train if needed, and answer on http://127.0.0.1:PORT [5000], by
#:               the similarity of RECIPE or KNN; SERVE= passes options;
#:               AGGREGATE="--time COL" dates the events
PORT = 5000
SERVE =

# The report of the log, which has its dates, unless SERVE names another; looked
# for when the model is there.
served-report = $(if $(findstring --report,$(SERVE)),,$(shell \
	[ ! -f $(call quote,$(report)) ] || echo there))

.PHONY: serve
serve: $(trained) $(BIN)/cs-serve
	exec $(BIN)/cs-serve -p $(PORT) $(similarity) $(SERVE) \
		$(if $(served-report),--report $(call quote,$(report))) $(MODEL)/emb.bin
