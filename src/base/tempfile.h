/* tempfile: bytes appended and later read back whole; the first of them are
 * kept in memory, and more than that go to an unlinked file in $TMPDIR. */
#ifndef BASE_TEMPFILE_H
#define BASE_TEMPFILE_H

#include <stdbool.h>
#include <stddef.h>

struct tempfile {
	unsigned char *memory;
	size_t used, room, limit; /* bytes in memory; at most limit */
	size_t size;              /* bytes appended in all */
	int fd;                   /* of the file, where there is one */
	bool filed;
	void *map; /* of the file, after tempfile_bytes */
};

/* Begin; limit is how many bytes may stay in memory (at least 64 KiB do). */
void tempfile_begin(struct tempfile *scratch, size_t limit);

void tempfile_add(struct tempfile *scratch, const void *bytes, size_t size);

/* All bytes, to be read; nothing may be added afterwards. */
const void *tempfile_bytes(struct tempfile *scratch);

void tempfile_end(struct tempfile *scratch);

#endif
