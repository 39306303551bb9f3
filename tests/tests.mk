# What checks the programs; tests/bench has what measures them.

UNITS = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))

$(BUILD)/unit-%.o: tests/unit/%.c $(BUILD)/.flags | setup-build
	$(call say,CC,$<)$(COMPILE) -c -o $@ $<
$(BUILD)/unit-%: $(BUILD)/unit-%.o $(BUILD)/libcs.a
	$(call say,LINK,$@)$(LINK) -o $@ $< $(BUILD)/libcs.a $(LINKED)
$(BUILD)/fault.so: tests/fault/fault.c $(BUILD)/.flags | setup-build
	$(call say,CC,$<)$(CC) -std=c17 -D_GNU_SOURCE $(WARNINGS) -O1 -g \
		-shared -fPIC -o $@ $< -ldl

tested = all $(UNITS:%=$(BUILD)/unit-%) $(GENERATE) $(MAKE_MATRIX) \
	$(RESIDENT) $(ARITHMETIC) $(BUILD)/fault.so

# bats, several files at a time where GNU parallel is there.
BATS = BIN=$(abspath $(BIN)) BUILD=$(abspath $(BUILD)) \
	GENERATE=$(abspath $(GENERATE)) FLAVOUR=$(FLAVOUR) \
	OMP_NUM_THREADS=2 bats $(if $(shell command -v parallel), \
		--jobs $(or $(shell nproc),1) --no-parallelize-within-files)

.PHONY: setup-test test test-asan record
setup-test:
	@sh pipelines/setup build test

#: test          install what the tests need, and run them
test: $(tested) | setup-test
	$(BATS) $(or $(TESTS),tests)

#: test-asan     the same under AddressSanitizer and UndefinedBehaviorSanitizer
test-asan:
	$(MAKE) FLAVOUR=asan test

#: record        write the recorded outputs of tests/cases anew; read the diff
record: $(tested) | setup-test
	RECORD=1 $(BATS) tests
	git diff --stat tests/cases

# What needs more than programs and bats stands apart.
.PHONY: test-readers test-fresh test-thread test-page test-container \
	test-database test-load
#: test-readers  Miller, DuckDB, pandas, SQLite and PostgreSQL read our TSV
test-readers: all | setup-readers
	@$(MAKE) --no-print-directory $(DUCKDB)/package.json || \
		echo "test-readers: no DuckDB here: its tests are skipped" >&2
	NODE_MODULES=$(abspath $(BENCH_HOME)) $(BATS) tests/readers
#: test-fault    every call of the C library that can fail, fails once, in every
#:               program and mode: some minutes
.PHONY: test-fault
test-fault: all $(BUILD)/fault.so
	@sh pipelines/setup build test
	BIN=$(abspath $(BIN)) BUILD=$(abspath $(BUILD)) \
		DATA=$(abspath data/views.csv) tests/fault/sweep

#: test-portability  other compilers and processors, and other kernels of BLAS
.PHONY: test-portability
test-portability: all
	@sh pipelines/setup build test portability || \
		echo "test-portability: not all is here" >&2
	BIN=$(abspath $(BIN)) bash tests/portability

#: test-properties  what holds for any log, on 1,000 random ones each
.PHONY: test-properties
PROPERTY_CASES = 1000
test-properties: all
	@sh pipelines/setup build test
	BIN=$(abspath $(BIN)) tests/properties --cases $(PROPERTY_CASES)

.PHONY: setup-readers
setup-readers:
	@sh pipelines/setup build test readers

# What looks for barriers in the page.
PAGE_HOME = .build/page
AXE = $(PAGE_HOME)/node_modules/axe-core/axe.min.js
$(AXE): | setup-node
	$(NPM_INSTALL) --prefix $(PAGE_HOME) axe-core@4.14.1

# What reads the document of OpenAPI as its users' tools do.
REDOCLY = $(PAGE_HOME)/node_modules/.bin/redocly
$(REDOCLY): | setup-node
	$(NPM_INSTALL) --prefix $(PAGE_HOME) @redocly/cli@1.34.20

#: test-page     the page of cs-serve in headless Chromium; its OpenAPI document
test-page: all
	@sh pipelines/setup build test page || \
		echo "test-page: no browser here: its tests are skipped" >&2
	@$(MAKE) --no-print-directory $(AXE) || \
		echo "test-page: no axe-core here: its test is skipped" >&2
	@$(MAKE) --no-print-directory $(REDOCLY) || \
		echo "test-page: no redocly here: its test is skipped" >&2
	AXE=$(abspath $(AXE)) REDOCLY=$(abspath $(REDOCLY)) $(BATS) tests/page

#: test-database  a million events through PostgreSQL and SQLite
test-database: all $(GENERATE)
	@sh pipelines/setup build test database || \
		echo "test-database: not all is here: its tests are skipped" >&2
	$(BATS) tests/database

#: test-cluster  Open MPI, and Slurm with two nodes on this machine: nodes that
#:               fail, ranks that are killed, damaged shards
.PHONY: test-cluster
test-cluster: all $(GENERATE)
	@sh pipelines/setup build test cluster || \
		echo "test-cluster: not all is here: its tests are skipped" >&2
	$(MAKE) all
	$(BATS) tests/cluster
	$(BATS) --filter cs-svd-mpi tests/shards.bats

#: test-load     LOAD_SECONDS=20 of good, bad, slow, cut off and oversized
#:               requests by a thousand connections, while models change
#:               (FAULTS=10000: one in so many allocations fails, at random;
#:               FLAVOUR=asan or thread: under sanitizers)
LOAD_SECONDS = 20
FAULTS = 0
test-load: all $(BUILD)/fault.so
	@sh pipelines/setup build test
	BIN=$(abspath $(BIN)) FLAVOUR=$(FLAVOUR) PYTHONPATH=tests \
		FAULT_OBJECT=$(abspath $(BUILD)/fault.so) \
		/usr/bin/python3 tests/load.py $(LOAD_SECONDS) $(FAULTS)

#: test-container  the image of Dockerfile, built and run
test-container:
	@sh pipelines/setup container || \
		echo "test-container: not all is here" >&2
	bash tests/container

#: test-fresh    "make pipeline" and "make test" in an empty Debian
test-fresh:
	@sh pipelines/setup fresh
	bash tests/fresh

#: test-package  the Debian package: reproducible, hardened, lintian, pipeline
.PHONY: test-package
test-package:
	@sh pipelines/setup build package
	bash tests/package

#: test-thread   programs with threads under ThreadSanitizer
test-thread: $(GENERATE)
	@sh pipelines/setup build test
	$(MAKE) FLAVOUR=thread all
	GENERATE=$(abspath $(GENERATE)) BIN=.build/thread/bin bash tests/threads

# ----------------------------------------------------------------- fuzzing

# The modules are compiled once, in a flavour of their own; each fuzzer is
# linked with them.  libFuzzer's report is kept in .build/fuzz/NAME.log, what it
# found in .build/fuzz/corpus-NAME.
FUZZERS = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_SECONDS = 20
FUZZ_CC = clang

$(BUILD)/fuzz-%.o: tests/fuzz/%.c $(BUILD)/.flags | setup-build
	$(call say,CC,$<)$(COMPILE) -c -o $@ $<
$(BUILD)/fuzz-%: $(BUILD)/fuzz-%.o $(BUILD)/libcs.a
	$(call say,LINK,$@)$(LINK) -fsanitize=fuzzer -o $@ $< \
		-Wl,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc \
		$(BUILD)/libcs.a $(LINKED)

# A loop over 2^17 counts, each comparison of which would be recorded, takes most
# of the time of a model that is served.
$(BUILD)/linalg/similarity_quantiles.o: \
	FLAGS-fuzz += -fno-sanitize-coverage=trace-cmp

.PHONY: setup-fuzz fuzz fuzzers
setup-fuzz:
	@sh pipelines/setup build fuzz
fuzzers: $(FUZZERS:%=$(BUILD)/fuzz-%)

# What is read is at most so long; a model with an index is longer.
MAX_LEN = 4096
fuzz-run-model: MAX_LEN = 16384

.PHONY: fuzz-run fuzz-run-% fuzz-coverage fuzz-table
fuzz-run: $(FUZZERS:%=fuzz-run-%)
fuzz-run-%: $(BUILD)/fuzz-%
	@mkdir -p $(BUILD)/corpus-$*
	@echo "fuzz: $*, report in $(BUILD)/$*.log"
	@$(BUILD)/fuzz-$* -max_total_time=$(FUZZ_SECONDS) -detect_leaks=0 \
		-timeout=20 -max_len=$(MAX_LEN) -close_fd_mask=2 \
		-print_final_stats=1 -artifact_prefix=$(BUILD)/ \
		$(BUILD)/corpus-$* tests/fuzz/seeds-$* > $(BUILD)/$*.log 2>&1 \
		|| { tail -n 40 $(BUILD)/$*.log; exit 1; }
	@grep '^Done' $(BUILD)/$*.log

#: fuzz          FUZZ_SECONDS=20 of libFuzzer for each reader, one a processor
fuzz: | setup-fuzz
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
		$(MAKE) FLAVOUR=fuzz CC='$(FUZZ_CC)' fuzz-run

#: fuzz-coverage  which lines of each reader what "make fuzz" found reaches
fuzz-coverage: | setup-fuzz
	@sh pipelines/setup coverage
	$(MAKE) FLAVOUR=coverage CC='$(FUZZ_CC)' fuzz-table
fuzz-table: fuzzers
	sh tests/fuzz/coverage $(BUILD) .build/fuzz $(FUZZERS)

# -------------------------------------------------------------------- lint

C = $(wildcard src/*.c src/*/*.[ch] tests/unit/*.c tests/bench/*.[ch] tests/fuzz/*.[ch] \
	tests/fault/*.c)
SCRIPTS = .ci/run $(wildcard tests/*.bats tests/*.bash tests/*/*.bats) \
	$(shell grep -lE '^\#!/bin/(ba)?sh' pipelines/* pipelines/*/* tests/* tests/bench/* \
	tests/cluster/* tests/fuzz/coverage \
	2> /dev/null)
# What needs mpi.h is looked at where that is.
LINTED = $(LANGUAGE) -Itests/bench $(WARNINGS) -Werror -fsyntax-only \
	$(if $(MPI),$(MPI_FLAGS))
LINTED-C = $(filter-out $(if $(MPI),,%/ranks_mpi.c),$(filter %.c,$(C)))

.PHONY: lint
#: lint          two compilers' warnings, cppcheck, shellcheck, clang-format,
#:               mandoc
lint:
	@sh pipelines/setup build lint
	gcc $(LINTED) -O2 $(LINTED-C)
	clang $(LINTED) $(LINTED-C)
	cppcheck --quiet --std=c11 --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem \
		--error-exitcode=1 \
		"-Djson_object_foreach(o,k,v)=for (;;)" \
		--suppress=preprocessorErrorDirective:src/linalg/block_kernels_loops.h \
		--suppress=preprocessorErrorDirective:tests/fault/fault.c \
		-D_GNU_SOURCE -DVERSION='""' -Isrc -Itests/bench src tests
	shellcheck -x -S warning -e SC2154,SC2258 $(SCRIPTS)
	clang-format --dry-run -Werror $(C)
	mandoc -T lint -W warning $(PAGES) > /dev/null
