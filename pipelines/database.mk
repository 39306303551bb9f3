# Events out of a database, and what is found into it.

#: database      train on QUERY of DATABASE_URL (postgresql://... or
#:               sqlite:FILE), and write N [10] neighbours of each customer to
#:               the table NEIGHBOURS [similar_customers] there, and embeddings
#:               to EMBEDDINGS [customer_embeddings]; from-database is the first
#:               half, to-database the second
DATABASE_URL ?=
QUERY = SELECT * FROM events
NEIGHBOURS = similar_customers
EMBEDDINGS = customer_embeddings
N = 10

database := $(beside)database

# As they were said, dollars, quotes and newlines too, by the environment.
CS_URL := $(value DATABASE_URL)
CS_QUERY := $(value QUERY)
CS_NEIGHBOURS := $(value NEIGHBOURS)
CS_EMBEDDINGS := $(value EMBEDDINGS)
export CS_URL CS_QUERY CS_NEIGHBOURS CS_EMBEDDINGS

.PHONY: database from-database to-database

# What a database holds can change at any time: it is always asked.  A client
# that fails on the way leaves the profiles as they were.
from-database: $(BIN)/cs-aggregate $(BIN)/cs-matrix $(BIN)/cs-svd
	@mkdir -p $(MODEL)
	@$(database) events "$$CS_URL" "$$CS_QUERY" | \
		$(BIN)/cs-aggregate $(AGGREGATE) $(write-report) -o $(MODEL)/events.tsv
	@echo a database > $(MODEL)/.profiles
	@mv $(MODEL)/events.tsv $(MODEL)/profiles.tsv
	$(matrix)
	$(model)

define to-database
	$(BIN)/cs-knn $(knn-$(RECIPE)) $(KNN) --all -n $(N) --no-why \
		-o $(MODEL)/all.tsv $(MODEL)/emb.bin
	$(BIN)/cs-dump --what embedding -o $(MODEL)/embedding.tsv \
		$(MODEL)/emb.bin
	@$(database) write "$$CS_URL" $(MODEL)/all.tsv "$$CS_NEIGHBOURS" \
		$(MODEL)/embedding.tsv "$$CS_EMBEDDINGS"
	@rm -f $(MODEL)/all.tsv $(MODEL)/embedding.tsv
endef

database: from-database $(BIN)/cs-knn $(BIN)/cs-dump
	$(to-database)
to-database: $(BIN)/cs-knn $(BIN)/cs-dump
	$(to-database)
