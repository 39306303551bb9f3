#include "base/tempfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/io.h"

enum { LEAST = 1 << 16 };

void scratch_begin(struct scratch *scratch, size_t limit)
{
	*scratch = (struct scratch){.limit = limit < LEAST ? LEAST : limit};
}

static void flush(struct scratch *scratch)
{
	if (!scratch->filed) {
		scratch->fd = scratch_open();
		scratch->filed = true;
	}
	scratch_write(scratch->fd, scratch->memory, scratch->used);
	scratch->used = 0;
}

void scratch_add(struct scratch *scratch, const void *bytes, size_t size)
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

const void *scratch_bytes(struct scratch *scratch)
{
	if (!scratch->filed)
		return scratch->memory ? scratch->memory : (const void *)"";
	if (scratch->map == NULL) {
		flush(scratch);
		free(scratch->memory);
		scratch->memory = NULL;
		scratch->map = scratch_map(scratch->fd, scratch->size, false);
	}
	return scratch->map;
}

void scratch_end(struct scratch *scratch)
{
	if (scratch->map != NULL)
		munmap(scratch->map, scratch->size);
	if (scratch->filed)
		close(scratch->fd);
	free(scratch->memory);
	*scratch = (struct scratch){0};
}
