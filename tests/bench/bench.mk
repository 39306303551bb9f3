# The generator of event logs, and the timings beside the rivals.

GENERATE = $(BUILD)/generate

$(BUILD)/bench-%.o: tests/bench/%.c $(BUILD)/.flags | setup-build
	$(call say,CC,$<)$(COMPILE) -Itests/bench -c -o $@ $<

$(GENERATE): $(BUILD)/bench-generate.o $(BUILD)/bench-catalogue.o \
		$(BUILD)/bench-vocabulary.o $(BUILD)/libcs.a
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(LINKED)

MAKE_MATRIX = $(BUILD)/make-matrix
$(MAKE_MATRIX): $(BUILD)/bench-matrix.o $(BUILD)/libcs.a
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(LINKED)

RESIDENT = $(BUILD)/resident
$(RESIDENT): $(BUILD)/bench-resident.o $(BUILD)/libcs.a
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(LINKED)

ARITHMETIC = $(BUILD)/arithmetic
$(ARITHMETIC): $(BUILD)/bench-arithmetic.o $(BUILD)/libcs.a
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(LINKED)

FIXED_REPLY = $(BUILD)/fixed-reply
$(FIXED_REPLY): $(BUILD)/bench-fixed_reply.o $(BUILD)/libcs.a
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(LINKED)

.PHONY: sample
#: sample        write data/ again; its bytes should not change
sample: $(GENERATE)
	$(GENERATE) --directory data

# Jobs to run, of those in tests/bench/jobs; none: all whose data are here.
BENCH_ROWS =

# The rivals are installed here where they come from npm; inputs and answers
# are kept here too.
BENCH_HOME = .build/bench
DUCKDB = $(BENCH_HOME)/node_modules/@duckdb/node-api
POLARS = $(BENCH_HOME)/node_modules/nodejs-polars
USEARCH = $(BENCH_HOME)/node_modules/usearch

# Rows of rivals that cannot be installed are skipped.
.PHONY: bench rivals setup-node
rivals:
	@sh pipelines/setup bench; said=$$?; \
		MAKEFLAGS= $(MAKE) -k --no-print-directory \
			$(DUCKDB)/package.json $(POLARS)/package.json \
			$(USEARCH)/package.json || said=2; \
		[ "$$said" = 0 ] || echo "bench: not all rivals are here:" \
			"their rows are skipped" >&2
setup-node:
	@sh pipelines/setup node

# Where no registry answers npm gives up in seconds, not in minutes.
NPM_INSTALL = npm install --silent --no-fund --no-audit --fetch-retries=1 \
	--fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000

# One after another: npm reads and writes one list of what is there.
install-rival = @echo "bench: installing $(1) with npm in $(BENCH_HOME), to be" \
		"compared with"; \
	mkdir -p $(BENCH_HOME) && flock $(BENCH_HOME) \
		$(NPM_INSTALL) --prefix $(BENCH_HOME) $(2)

$(DUCKDB)/package.json: | setup-node
	$(call install-rival,DuckDB,@duckdb/node-api@1.5.6-r.1)
# Its code comes in a package of its own.
$(POLARS)/package.json: | setup-node
	$(call install-rival,polars,nodejs-polars@0.26.1 nodejs-polars-linux-x64-gnu@0.26.1)
$(USEARCH)/package.json: | setup-node
	$(call install-rival,usearch,usearch@2.26.2)

# Where a job finds what it runs.
BENCH_PLACES = BIN=$(abspath $(BIN)) GENERATE=$(abspath $(GENERATE)) \
	MAKE_MATRIX=$(abspath $(MAKE_MATRIX)) RESIDENT=$(abspath $(RESIDENT)) \
	ARITHMETIC=$(abspath $(ARITHMETIC)) \
	FIXED_REPLY=$(abspath $(FIXED_REPLY)) \
	WORK=$(abspath $(BENCH_HOME)) NODE_MODULES=$(abspath $(BENCH_HOME))

#: bench         time jobs beside rivals (BENCH=large, ROUNDS=5,
#:               BENCH_ROWS="factor-tall single"), and write the table of
#:               BENCH_README [README.md]
BENCH_README = README.md
bench: all $(GENERATE) $(MAKE_MATRIX) $(RESIDENT) $(FIXED_REPLY) rivals
	@unset OPENBLAS_CORETYPE; $(BENCH_PLACES) \
		tests/bench/run --rounds $(or $(ROUNDS),5) \
		$(if $(filter large,$(BENCH)),--large) \
		$(addprefix --readme ,$(BENCH_README)) $(BENCH_ROWS)

.PHONY: bench-threads
#: bench-threads what a second thread gains cs-svd, beside pure arithmetic
bench-threads: all $(MAKE_MATRIX) $(ARITHMETIC)
	@unset OPENBLAS_CORETYPE; $(BENCH_PLACES) \
		tests/bench/scaling $(or $(ROUNDS),5)

.PHONY: bench-scale
#: bench-scale   what each stage takes for a customer, at SIZES="10000 100000"
#:               customers in SCALE_SHARDS=4 shards, the table of cs-scale(7),
#:               and SCALE_DRAWING [.build/bench/scale.svg], where gnuplot is
SIZES = 10000 30000 100000 300000 1000000
SCALE_SHARDS = 4
SCALE_DRAWING = $(BENCH_HOME)/scale.svg
bench-scale: all $(GENERATE)
	@unset OPENBLAS_CORETYPE; $(BENCH_PLACES) \
		tests/bench/scale --shards $(SCALE_SHARDS) \
		--draw $(abspath $(SCALE_DRAWING)) $(SIZES)

.PHONY: eval-report
#: eval-report   measure the defaults on halves of the logs of EVAL_DATA
#:               [../shared/data], and write the table into README.md
EVAL_DATA = ../shared/data
eval-report: all
	BIN=$(abspath $(BIN)) CLASSIC_MATRIX='$(matrix-classic)' \
		CLASSIC_SVD='$(svd-classic)' pipelines/eval-report \
		$(EVAL_DATA) README.md

.PHONY: eval-learn
#: eval-learn    what cs-svd --learn changes there
eval-learn: all
	BIN=$(abspath $(BIN)) CLASSIC_MATRIX='$(matrix-classic)' \
		CLASSIC_SVD='$(svd-classic)' pipelines/eval-report learn \
		$(EVAL_DATA)

.PHONY: eval-rows
#: eval-rows     what the defaults have there over the best of the cosines of
#:               rows by thirty weightings
eval-rows: all
	BIN=$(abspath $(BIN)) pipelines/eval-report rows $(EVAL_DATA)
