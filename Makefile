# Customer similarity: small programs, and pipelines that join them.
# "make help" lists the targets.

TOOLS = cs-aggregate cs-matrix cs-svd cs-project cs-knn cs-summarize cs-dump
MODULES = die alloc number options progress random team \
	stream scratch names table escape quote profiles format \
	scan sheet columns items runs groups rejects events combine \
	weigh gather matrix model fold check npy strip algebra operator gram lanczos factor embed store pairs tile nearest reasons audience neighbours notes pens whom summary report prose

VERSION = 0.1.0
FLAVOUR = release
BUILD = .build/$(FLAVOUR)
BIN = bin

CFLAGS ?= -O3 -g
LANGUAGE = -std=c17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -pthread \
	-ffp-contract=off -fno-math-errno
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wvla -Wundef
LIBRARIES = -lcsv -llapacke -lopenblas -ljansson -lxxhash -lm

.SUFFIXES:
.DELETE_ON_ERROR:

all: $(TOOLS:%=$(BIN)/%)

$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(LANGUAGE) $(WARNINGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libcs.a: $(MODULES:%=$(BUILD)/%.o)
	rm -f $@
	$(AR) rcs $@ $^

$(BIN)/cs-%: $(BUILD)/cs-%.o $(BUILD)/libcs.a
	$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libcs.a \
		-Wl,--as-needed $(LIBRARIES)

-include $(wildcard $(BUILD)/*.d)
