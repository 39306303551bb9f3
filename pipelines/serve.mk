# The service: trained where there is no model yet, and started.

#: serve         train if needed, and answer on http://127.0.0.1:PORT [5000];
#:               SERVE= passes options
PORT = 5000
SERVE =

.PHONY: serve
serve: $(MODEL)/emb.bin $(BIN)/cs-serve
	exec $(BIN)/cs-serve -p $(PORT) $(SERVE) $(MODEL)/emb.bin
