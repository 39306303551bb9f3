/* Any bytes as a profile. */
#include "fuzz.h"
#include "events/profile_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], *paths[] = {path};
	static struct profile_reader profiles;

	int fd = fuzz_file(data, size, path);
	if (setjmp(fuzz_back) == 0) {
		profile_reader_open(&profiles, paths, 1);
		while (profile_reader_next(&profiles))
			;
	}
	profile_reader_close(&profiles);
	close(fd);
	return 0;
}
