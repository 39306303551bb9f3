#include "base/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/pending_files.h"

enum { MIN_LIMIT = 1 << 16 };

static const char *temporary_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder == NULL || *folder == '\0' ? "/tmp" : folder;
}

int tempfile_try_open(void)
{
	char path[4096];
	int fd = open(temporary_folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* Not every file system has files without a name. */
	snprintf(path, sizeof path, "%s/cs.XXXXXX", temporary_folder());
	pending_files_hold_signals();
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	pending_files_release_signals();
	return fd;
}

int tempfile_open(void)
{
	int fd = tempfile_try_open();

	if (fd < 0)
		die("%s: cannot create a scratch file: %s", temporary_folder(),
		    strerror(errno));
	return fd;
}

void tempfile_write(int fd, const void *bytes, size_t size)
{
	const unsigned char *from = bytes;

	while (size > 0) {
		ssize_t put = write(fd, from, size);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			die("a scratch file in $TMPDIR: %s", strerror(errno));
		from += put;
		size -= (size_t)put;
	}
}

void *tempfile_map(int fd, size_t size, bool writable)
{
	if (size == 0)
		return (void *)(uintptr_t) "";
	void *bytes =
		mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		     writable ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		die("a scratch file in $TMPDIR: cannot map: %s",
		    strerror(errno));
	return bytes;
}

/* -------------------------------------------------- memory, then the file */

void tempfile_begin(struct tempfile *file, size_t limit)
{
	*file = (struct tempfile){.limit = limit < MIN_LIMIT ? MIN_LIMIT
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
