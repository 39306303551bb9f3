# Customer similarity: small programs, and pipelines that join them.
# "make help" lists the targets.

# Programs are the sources at the top of src/, library modules those in its
# folders; tests/layout.bats says which folder may include which.
TOOLS = $(patsubst src/%.c,%,$(wildcard src/cs-*.c))
# The second implementation of linalg/ranks is linked into cs-svd-mpi alone.
MODULES = $(filter-out %/ranks_mpi,$(patsubst src/%.c,%,$(wildcard src/*/*.c)))

VERSION = 1.0.0

# A flavour has objects and programs of its own; that of users is "release".
FLAVOUR = release
BUILD = .build/$(FLAVOUR)
BIN = $(if $(filter release,$(FLAVOUR)),bin,$(BUILD)/bin)

include pipelines/make.mk

# On all processors, unless -j says otherwise.
MAKEFLAGS += -j$(shell nproc)

# CFLAGS, CPPFLAGS and LDFLAGS are the user's, and are added to these.
FLAGS-release = -O3 -g -ffile-prefix-map=$(call quote,$(CURDIR))=. $(HARDENING)
FLAGS-asan = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
FLAGS-thread = -O1 -g -fsanitize=thread
FLAGS-fuzz = -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -Dexit=fuzz_exit -DREAD_BLOCK=512
FLAGS-coverage = -O1 -g -fprofile-instr-generate -fcoverage-mapping \
	-Dexit=fuzz_exit -DREAD_BLOCK=512
FLAGS = $(FLAGS-$(FLAVOUR)) $(CFLAGS)
# Position-independent programs, checked buffers and stacks, and branches that
# land where they should, as far as the processor has that.
HARDENING = -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE \
	-D_FORTIFY_SOURCE=3 $(HARDENING-$(firstword $(subst -, ,$(MACHINE))))
HARDENING-x86_64 = -fcf-protection=full
HARDENING-aarch64 = -mbranch-protection=standard
LINK-release = -pie -Wl,-z,relro,-z,now,-z,noexecstack
MACHINE := $(shell $(CC) -dumpmachine 2> /dev/null)
LANGUAGE = -std=c17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -pthread \
	-ffp-contract=off -fno-math-errno
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wvla -Wundef -Wno-missing-field-initializers
LIBRARIES = -lcsv -llapacke -lopenblas -ljansson -lxxhash -lmicrohttpd -lnettle \
	-lunistring -lstemmer -lz -lm

COMPILE = $(CC) $(LANGUAGE) $(WARNINGS) $(CPPFLAGS) $(FLAGS) -MMD -MP
# base/recovery.c replaces free().
LINK = $(CC) -pthread -Wl,--wrap=free $(FLAGS) $(LINK-$(FLAVOUR)) $(LDFLAGS)
LINKED = -Wl,--as-needed $(LIBRARIES)

# A command in short, or whole with V=1.
# At a terminal one line holds what is compiled, the next over the one before.
say = $(if $(V),,@printf '$(if $(MAKE_TERMOUT),\033[K)  %-4s %s$(if $(and \
	$(MAKE_TERMOUT),$(filter CC,$(1))),\r,\n)' $(1) $(2); )

PREFIX = /usr/local
MANDIR = $(PREFIX)/share/man
SHAREDIR = $(PREFIX)/share/customer-similarity
COMPLETIONDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
FISHDIR = $(PREFIX)/share/fish/vendor_completions.d
UNITDIR = $(PREFIX)/lib/systemd/system

# cs-svd by several processes, where Open MPI is there to build it with.
MPICC = mpicc
MPI := $(if $(shell command -v $(MPICC) 2> /dev/null),mpi)
MPI_FLAGS = $(shell $(MPICC) --showme:compile)
MPI_LIBRARIES = $(shell $(MPICC) --showme:link)

.DEFAULT_GOAL = all
.PHONY: all clean help
#: all           build the programs into bin/
all: $(TOOLS:%=$(BIN)/%) $(MPI:%=$(BIN)/cs-svd-mpi)

$(BUILD)/linalg/ranks_mpi.o: LANGUAGE += $(MPI_FLAGS)
$(BIN)/cs-svd-mpi: $(BUILD)/cs-svd.o $(BUILD)/linalg/ranks_mpi.o $(BUILD)/libcs.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(LINKED) $(MPI_LIBRARIES)

# What is missing here is installed, or named; see pipelines/setup.
.PHONY: setup-build
setup-build:
	@sh pipelines/setup build

how-built := $(COMPILE) $(LINK) $(LINKED)
$(BUILD)/.flags: $(call changed,$(BUILD)/.flags,how-built)
	$(call keep,how-built)

$(BUILD)/%.o: src/%.c $(BUILD)/.flags | setup-build
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) -c -o $@ $<

$(BUILD)/libcs.a: $(MODULES:%=$(BUILD)/%.o)
	$(call say,AR,$@)rm -f $@ && $(AR) rcsD $@ $^

$(BIN)/cs-%: $(BUILD)/cs-%.o $(BUILD)/libcs.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(LINK) -o $@ $< $(BUILD)/libcs.a $(LINKED)

# What is built into a program is part of it.
$(BUILD)/serve/static_files.o: $(wildcard src/web/*)

# Objects of programs are made on the way, and stay.
.SECONDARY:

include pipelines/pipeline.mk pipelines/spectrum.mk pipelines/install.mk
include pipelines/cluster.mk
include tests/bench/bench.mk tests/tests.mk

# What an earlier run as root has made, another user cannot replace.
ifneq ($(filter-out help,$(or $(MAKECMDGOALS),all)),)
foreign := $(shell find bin .build $(call quote,$(MODEL)) -maxdepth 3 \
	! -writable -print -quit 2> /dev/null)
ifneq ($(foreign),)
$(error $(foreign) cannot be written by this user, as if an earlier run was \
	by root: sudo chown -R $$(id -un) bin .build $(MODEL))
endif
endif

#: clean         remove what was built, and the model of data/
clean: forget
	rm -rf .build
	rm -f $(TOOLS:%=bin/%) bin/cs-svd-mpi

#: help          this list
help:
	@sed -n 's/^#: \{0,1\}//p' $(MAKEFILE_LIST)

-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d)
