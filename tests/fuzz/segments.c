/* Any bytes as a file of segments. */
#include "explain/segments.h"
#include "fuzz.h"

static void read_segments(void *path)
{
	static const int64_t offsets[] = {0, 1, 2};
	const struct csr_matrix matrix = {
		.n = 2,
		.users = {offsets, (const unsigned char *)"ab", 2},
	};
	struct segments segments = {0};
	uint32_t group[2], place[2];

	if (segments_read(&segments, path) == NULL) {
		struct segments_match match =
			segments_match(&segments, &matrix, group, place);

		if (match.known + match.unknown != segments.customers.count)
			__builtin_trap();
		for (size_t i = 0; i < 2; i++)
			if (group[i] != SEGMENTS_NONE &&
			    group[i] >= segments.names.count)
				__builtin_trap();
	}
	segments_free(&segments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(void *path) = {read_segments};

	fuzz_readers(data, size, readers, 1);
	return 0;
}
