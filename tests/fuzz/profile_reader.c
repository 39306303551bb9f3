/* Any bytes as a profile: plain lines parsed in memory are what the reader
 * reads. */
#include "fuzz.h"
#include "events/profile_lines.h"
#include "events/profile_reader.h"

static struct profile_reader profiles;
static struct profile_lines lines;
static size_t customers, pairs; /* that were read */

static void read_on(void)
{
	while (profile_reader_next(&profiles)) {
		customers++;
		pairs += profiles.count;
		if (!(profile_reader_share(&profiles) <= 1))
			__builtin_trap();
	}
}

/* Read plain lines first, so long as there are some. */
static void read_lines(void)
{
	const char *bytes;
	size_t size;
	bool all;

	while ((size = profile_reader_lines(&profiles, 0, 64, &bytes, &all)) >
	       0) {
		size_t half = profile_lines_boundary(bytes, size, size / 2);
		if (half > size)
			__builtin_trap();
		if (half > 0)
			size = half;
		if (customers > 0 || !profile_lines_parse(&lines, bytes, size))
			break;
		customers += lines.customers;
		pairs += lines.pairs;
		profile_reader_skip(&profiles, 0, size, lines.pairs,
				    &lines.names[lines.customers - 1],
				    &lines.tags[lines.pairs - 1]);
	}
	read_on();
}

/* Whether all was read without an error. */
static bool run(char *path, void (*read)(void))
{
	char *paths[] = {path};

	customers = pairs = 0;
	if (setjmp(fuzz_back) == 0) {
		profile_reader_open(&profiles, paths, 1);
		read();
		profile_reader_close(&profiles);
		return true;
	}
	profile_reader_close(&profiles);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = fuzz_file(data, size, path);
	bool good = run(path, read_on);
	size_t all_customers = customers, all_pairs = pairs;

	if (run(path, read_lines) != good ||
	    (good && (customers != all_customers || pairs != all_pairs)))
		__builtin_trap();
	close(fd);
	return 0;
}
