#include "base/tempfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/io.h"

enum { LEAST = 1 << 16 };

void tempfile_begin(struct tempfile *scratch, size_t limit)
{
	*scratch = (struct tempfile){.limit = limit < LEAST ? LEAST : limit};
}

static void flush(struct tempfile *scratch)
{
	if (!scratch->filed) {
		scratch->fd = tempfile_open();
		scratch->filed = true;
	}
	tempfile_write(scratch->fd, scratch->memory, scratch->used);
	scratch->used = 0;
}

void tempfile_add(struct tempfile *scratch, const void *bytes, size_t size)
{
	const unsigned char *from = bytes;

	scratch->size += size;
	while (size > 0) {
		if (scratch->used == scratch->limit)
			flush(scratch);
		size_t part = scratch->limit - scratch->used;
		if (part > size)
			part = size;
		scratch->memory = alloc_grow(scratch->memory, &scratch->room,
					     scratch->used + part, 1);
		memcpy(scratch->memory + scratch->used, from, part);
		scratch->used += part;
		from += part;
		size -= part;
	}
}

const void *tempfile_bytes(struct tempfile *scratch)
{
	if (!scratch->filed)
		return scratch->memory ? scratch->memory : (const void *)"";
	if (scratch->map == NULL) {
		flush(scratch);
		free(scratch->memory);
		scratch->memory = NULL;
		scratch->map = tempfile_map(scratch->fd, scratch->size, false);
	}
	return scratch->map;
}

void tempfile_end(struct tempfile *scratch)
{
	if (scratch->map != NULL)
		munmap(scratch->map, scratch->size);
	if (scratch->filed)
		close(scratch->fd);
	free(scratch->memory);
	*scratch = (struct tempfile){0};
}
