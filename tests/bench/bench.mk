# The generator of event logs, and the timings beside the rivals.

GENERATE = $(BUILD)/generate

$(BUILD)/bench-%.o: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(LANGUAGE) -Itests/bench $(WARNINGS) $(CPPFLAGS) $(CFLAGS) \
		-MMD -MP -c -o $@ $<

$(GENERATE): $(BUILD)/bench-generate.o $(BUILD)/bench-catalogue.o \
		$(BUILD)/bench-vocabulary.o $(BUILD)/libcs.a
	$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ \
		-Wl,--as-needed $(LIBRARIES)

# Write the sample again; its bytes should not change.
.PHONY: sample
sample: $(GENERATE)
	$(GENERATE) --directory data
