/* Any bytes as runs in a temporary file, cut at the byte 0x1e, and merged. */
#include "events/spill_runs.h"
#include "fuzz.h"

struct bytes {
	const uint8_t *data;
	size_t size;
};

static void merge(void *context)
{
	struct bytes *bytes = context;
	struct spill_runs runs = {0};
	struct output output;
	struct run_writer writer = {.kind = RUN_WRITER_PROFILE,
				    .output = &output};

	output_memory(&output);
	while (bytes->size > 0) {
		const uint8_t *part;
		size_t length = fuzz_part(&bytes->data, &bytes->size, &part);

		spill_runs_begin(&runs);
		spill_runs_add(&runs, part, length);
		spill_runs_end(&runs);
	}
	spill_runs_merge(&runs, &writer, 1 << 16);
	free(output.buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int first_fd = fuzz_first_fd();
	struct bytes bytes = {data, size};

	if (setjmp(fuzz_back) == 0)
		fuzz_run(merge, &bytes, first_fd);
	close_range((unsigned)first_fd, ~0U, 0);
	return 0;
}
