/* scratch: bytes appended and later read back whole; the first of them are
 * kept in memory, and more than that go to an unlinked file in $TMPDIR. */
#ifndef BASE_TEMPFILE_H
#define BASE_TEMPFILE_H

#include <stdbool.h>
#include <stddef.h>

struct scratch {
	unsigned char *memory;
	size_t used, room, limit; /* bytes in memory; at most limit */
	size_t size;              /* bytes appended in all */
	int fd;                   /* of the file, where there is one */
	bool filed;
	void *map; /* of the file, after scratch_bytes */
};

/* Begin; limit is how many bytes may stay in memory (at least 64 KiB do). */
void scratch_begin(struct scratch *scratch, size_t limit);

void scratch_add(struct scratch *scratch, const void *bytes, size_t size);

/* All bytes, to be read; nothing may be added afterwards. */
const void *scratch_bytes(struct scratch *scratch);

void scratch_end(struct scratch *scratch);

#endif
