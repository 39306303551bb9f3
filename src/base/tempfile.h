/* tempfile: unlinked files in $TMPDIR (or /tmp), and bytes that go to one where
 * they are more than should stay in memory.  Unless a function says otherwise,
 * it ends the process with a message where something fails. */
#ifndef BASE_TEMPFILE_H
#define BASE_TEMPFILE_H

#include <stdbool.h>
#include <stddef.h>

/* A new unlinked file, open for reading and writing; the caller closes it. */
int tempfile_open(void);

/* The same, or -1 with errno set. */
int tempfile_try_open(void);

/* Write all bytes at the offset of fd, or end the process. */
void tempfile_write(int fd, const void *bytes, size_t size);

/* Map size bytes of fd, read-only, or writable: then what is stored goes to the
 * file, whose pages the kernel can write back, unlike those of the heap.  The
 * caller unmaps them. */
void *tempfile_map(int fd, size_t size, bool writable);

/* Bytes appended and later read back whole; the first of them stay in memory.
 */
struct tempfile {
	unsigned char *memory;
	size_t used, room, limit; /* bytes in memory; at most limit */
	size_t size;              /* bytes appended in all */
	int fd;                   /* of the file, where spilled */
	bool spilled;             /* there is a file */
	void *map;                /* of the file, after tempfile_bytes */
};

/* Begin empty; limit is how many bytes may stay in memory (at least 64 KiB). */
void tempfile_begin(struct tempfile *file, size_t limit);

/* Append a copy of size bytes. */
void tempfile_add(struct tempfile *file, const void *bytes, size_t size);

/* All size bytes, to be read, valid until tempfile_end; nothing may be added
 * afterwards. */
const void *tempfile_bytes(struct tempfile *file);

/* Free the memory and the file. */
void tempfile_end(struct tempfile *file);

#endif
