#include "base/tempfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/io.h"

enum { LEAST_LIMIT = 1 << 16 };

void tempfile_begin(struct tempfile *file, size_t limit)
{
	*file = (struct tempfile){.limit = limit < LEAST_LIMIT ? LEAST_LIMIT
							       : limit};
}

static void flush(struct tempfile *file)
{
	if (!file->spilled) {
		file->fd = tempfile_open();
		file->spilled = true;
	}
	tempfile_write(file->fd, file->memory, file->used);
	file->used = 0;
}

void tempfile_add(struct tempfile *file, const void *bytes, size_t size)
{
	const unsigned char *from = bytes;

	file->size += size;
	while (size > 0) {
		if (file->used == file->limit)
			flush(file);
		size_t part = file->limit - file->used;
		if (part > size)
			part = size;
		file->memory = alloc_grow(file->memory, &file->room,
					  file->used + part, 1);
		memcpy(file->memory + file->used, from, part);
		file->used += part;
		from += part;
		size -= part;
	}
}

const void *tempfile_bytes(struct tempfile *file)
{
	if (!file->spilled)
		return file->memory ? file->memory : (const void *)"";
	if (file->map == NULL) {
		flush(file);
		free(file->memory);
		file->memory = NULL;
		file->map = tempfile_map(file->fd, file->size, false);
	}
	return file->map;
}

void tempfile_end(struct tempfile *file)
{
	if (file->map != NULL)
		munmap(file->map, file->size);
	if (file->spilled)
		close(file->fd);
	free(file->memory);
	*file = (struct tempfile){0};
}
