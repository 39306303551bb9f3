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
	int fd;                   /* of the file, where spilled */
	bool spilled;             /* there is a file */
	void *map;                /* of the file, after tempfile_bytes */
};

/* Begin empty; limit is how many bytes may stay in memory (at least 64 KiB).
 * Where the file cannot be made, written or mapped, the process ends with a
 * message. */
void tempfile_begin(struct tempfile *file, size_t limit);

/* Append a copy of size bytes. */
void tempfile_add(struct tempfile *file, const void *bytes, size_t size);

/* All size bytes, to be read, valid until tempfile_end; nothing may be added
 * afterwards. */
const void *tempfile_bytes(struct tempfile *file);

/* Free the memory and the file. */
void tempfile_end(struct tempfile *file);

#endif
