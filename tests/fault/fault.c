/* fault: preloaded, makes the nth call of one function fail, or of all that
 * allocate.  FAULT names the function, FAULT_AT is n, from 1. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

/* True where this call is the one. */
static int fails(const char *function)
{
	static atomic_long calls;
	static const char *which;
	static long at;

	if (which == NULL) {
		which = getenv("FAULT");
		at = getenv("FAULT_AT") ? atol(getenv("FAULT_AT")) : 0;
		if (which == NULL)
			which = "";
	}
	return strcmp(which, function) == 0 &&
	       atomic_fetch_add(&calls, 1) + 1 == at;
}

/* True where the call comes from the program itself, not from a library: what
 * those do without memory is theirs. */
static int is_ours(const void *from)
{
	Dl_info caller;

	return dladdr(from, &caller) != 0 &&
	       strstr(caller.dli_fname, ".so") == NULL;
}

/* The function behind ours; a void * is no function pointer to ISO C. */
#define NEXT(name)                                                             \
	static __typeof__(name) *next_##name;                                  \
	if (next_##name == NULL) {                                             \
		void *found = dlsym(RTLD_NEXT, #name);                         \
		memcpy(&next_##name, &found, sizeof found);                    \
	}

ssize_t read(int fd, void *bytes, size_t size)
{
	NEXT(read)
	if (fails("read")) {
		errno = EIO;
		return -1;
	}
	return next_read(fd, bytes, size);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	NEXT(write)
	if (fd > 2 && fails("write")) {
		errno = ENOSPC;
		return -1;
	}
	return next_write(fd, bytes, size);
}

int fsync(int fd)
{
	NEXT(fsync)
	if (fails("fsync")) {
		errno = EIO;
		return -1;
	}
	return next_fsync(fd);
}

int rename(const char *from, const char *to)
{
	NEXT(rename)
	if (fails("rename")) {
		errno = EACCES;
		return -1;
	}
	return next_rename(from, to);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd,
	   off_t offset)
{
	NEXT(mmap)
	if (fd >= 0 && fails("mmap")) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return next_mmap(at, size, protection, flags, fd, offset);
}

void *malloc(size_t size)
{
	NEXT(malloc)
	if (size >= 1024 && is_ours(__builtin_return_address(0)) &&
	    fails("malloc")) {
		errno = ENOMEM;
		return NULL;
	}
	return next_malloc(size);
}

void *realloc(void *old, size_t size)
{
	NEXT(realloc)
	if (size >= 1024 && is_ours(__builtin_return_address(0)) &&
	    fails("malloc")) {
		errno = ENOMEM;
		return NULL;
	}
	return next_realloc(old, size);
}

void *calloc(size_t count, size_t size)
{
	/* dlsym itself allocates a little before there is a next one. */
	static _Alignas(16) char early[4096];
	static size_t used;
	static void *(*next)(size_t, size_t);
	static int looking;

	if (next == NULL && looking) {
		size_t begin = used;
		used += (count * size + 15) / 16 * 16;
		return used <= sizeof early ? early + begin : NULL;
	}
	if (next == NULL) {
		looking = 1;
		void *found = dlsym(RTLD_NEXT, "calloc");
		memcpy(&next, &found, sizeof found);
		looking = 0;
	}
	if (count * size >= 1024 && is_ours(__builtin_return_address(0)) &&
	    fails("malloc")) {
		errno = ENOMEM;
		return NULL;
	}
	return next(count, size);
}
