/* tempfile: the bytes that were added come back, whether they stayed in memory
 * or went to the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/tempfile.h"

enum { MIN_LIMIT = 1 << 16 };

static int failed;

static void check(size_t size, size_t limit, bool spilled)
{
	unsigned char *bytes = malloc(size + 1);
	struct tempfile file;

	tempfile_begin(&file, limit);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)random_bits(1, i);
	/* Pieces of all sizes, some larger than what stays in memory. */
	for (size_t at = 0, piece = 1; at < size; at += piece) {
		piece = 1 + random_bits(2, at) % (size / 2 + 1);
		piece = piece < size - at ? piece : size - at;
		tempfile_add(&file, bytes + at, piece);
	}
	if (file.size != size || file.spilled != spilled ||
	    memcmp(tempfile_bytes(&file), bytes, size) != 0 ||
	    memcmp(tempfile_bytes(&file), bytes, size) != 0) {
		printf("%zu bytes with %zu in memory: they differ\n", size,
		       limit);
		failed = 1;
	}
	tempfile_end(&file);
	free(bytes);
}

int main(void)
{
	check(0, 0, false);
	check(1, 0, false);
	check(MIN_LIMIT, 0, false);
	check(MIN_LIMIT + 1, 0, true);
	check(1000000, 100000, true);
	check(1000000, 1000000, false);
	return failed;
}
