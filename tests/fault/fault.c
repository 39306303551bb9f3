/* fault: preloaded, makes calls of one function of the C library fail, whoever
 * makes them, the program or a library.
 *
 * FAULT       the function, of the table below, or short-read, short-write
 *             (half of what was asked), intr-read, intr-write (EINTR)
 * FAULT_AT    n, from 1: the nth call fails
 * FAULT_ON    set: all calls from the nth on fail
 * FAULT_RATE  r, in place of FAULT_AT: each call fails with probability 1/r, by
 *             a generator that FAULT_SEED starts; with FAULT_CONTROL only
 *             while its "at" is not 0
 * FAULT_MARK  a file that is made when the nth call is reached
 * FAULT_OURS  set: calls by libraries do not count
 * FAULT_CONTROL  a file of struct control, mapped: takes the place of FAULT_AT
 *             and FAULT_ON, and who writes to it begins anew
 *
 * Calls count from main on: what libraries do when they are loaded is theirs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static const char *fault_function;
static long fault_at, fault_rate;
static int fault_on, fault_ours;
static int in_main;

struct control {
	atomic_long at;    /* FAULT_AT; 0: none fails */
	atomic_long on;    /* FAULT_ON, where not 0 */
	atomic_long calls; /* since the writer set it to 0 */
	atomic_long failed;
};

static struct control *control;

/* Map the file of FAULT_CONTROL, where there is one. */
static void map_control(void)
{
	const char *path = getenv("FAULT_CONTROL");
	long fd, at;

	if (path == NULL)
		return;
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	at = syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	if (at != -1)
		memcpy(&control, &at, sizeof control);
	syscall(SYS_close, fd);
}

static void read_environment(void)
{
	const char *at = getenv("FAULT_AT"), *rate = getenv("FAULT_RATE");

	fault_at = at != NULL ? atol(at) : 0;
	fault_rate = rate != NULL ? atol(rate) : 0;
	fault_on = getenv("FAULT_ON") != NULL;
	fault_ours = getenv("FAULT_OURS") != NULL;
	fault_function = getenv("FAULT");
	if (fault_function == NULL)
		fault_function = "";
	map_control();
}

/* Make the file that says that the call was reached; no function that this
 * object replaces is used. */
static void mark(void)
{
	const char *path = getenv("FAULT_MARK");

	if (path != NULL) {
		long fd = syscall(SYS_openat, AT_FDCWD, path,
				  O_WRONLY | O_CREAT, 0600);
		if (fd >= 0)
			syscall(SYS_close, fd);
	}
}

/* True with probability 1 / rate: a counter through the finalizer of
 * splitmix64 (Steele et al., OOPSLA 2014). */
static int random_failure(uint64_t call)
{
	const char *seed = getenv("FAULT_SEED");
	uint64_t z = (call + (seed != NULL ? (uint64_t)atol(seed) << 32 : 0)) *
		     0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % (uint64_t)fault_rate == 0;
}

/* True where this call of the function is to fail. */
static int fails(const char *function, const void *from)
{
	static atomic_long calls;
	Dl_info caller;

	if (!in_main)
		return 0;
	if (strcmp(fault_function, function) != 0)
		return 0;
	if (fault_ours && (dladdr(from, &caller) == 0 ||
			   strstr(caller.dli_fname, ".so") != NULL))
		return 0;
	if (control != NULL) {
		long at = atomic_load(&control->at), call;

		if (at == 0)
			return 0;
		call = atomic_fetch_add(&control->calls, 1) + 1;
		bool fail = fault_rate > 0
				    ? random_failure((uint64_t)call)
				    : call == at || (call > at && control->on);
		atomic_fetch_add(&control->failed, fail);
		return fail;
	}
	long n = atomic_fetch_add(&calls, 1) + 1;
	if (fault_rate > 0)
		return random_failure((uint64_t)n);
	if (n == fault_at)
		mark();
	return n == fault_at || (fault_on && n > fault_at);
}

int __open_2(const char *path, int flags);

#define CALLER __builtin_return_address(0)

/* The function behind ours; a void * is no function pointer to ISO C. */
#define NEXT(name)                                                             \
	static __typeof__(name) *next_##name;                                  \
	if (next_##name == NULL) {                                             \
		void *symbol = dlsym(RTLD_NEXT, #name);                        \
		memcpy(&next_##name, &symbol, sizeof symbol);                  \
	}

/* A function that gives result, with errno set, where it is to fail. */
#define REPLACE(type, name, parameters, arguments, function, error, result)    \
	type name parameters                                                   \
	{                                                                      \
		NEXT(name)                                                     \
		if (fails(function, CALLER)) {                                 \
			errno = error;                                         \
			return result;                                         \
		}                                                              \
		return next_##name arguments;                                  \
	}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end);

/* The C library's call of main, after constructors of libraries. */
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	NEXT(__libc_start_main)
	read_environment();
	in_main = 1;
	return next___libc_start_main(main, argc, argv, init, fini, rtld_fini,
				      stack_end);
}

REPLACE(int, fsync, (int fd), (fd), "fsync", EIO, -1)
REPLACE(int, rename, (const char *from, const char *to), (from, to), "rename",
	EACCES, -1)
REPLACE(int, renameat2,
	(int from_folder, const char *from, int to_folder, const char *to,
	 unsigned flags),
	(from_folder, from, to_folder, to, flags), "rename", EACCES, -1)
REPLACE(int, ftruncate, (int fd, off_t size), (fd, size), "ftruncate", EIO, -1)
REPLACE(int, posix_fallocate, (int fd, off_t at, off_t size), (fd, at, size),
	"posix_fallocate", ENOSPC, ENOSPC)
REPLACE(int, fstat, (int fd, struct stat *about), (fd, about), "fstat", EIO, -1)
REPLACE(off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence), "lseek",
	EIO, -1)
REPLACE(int, pthread_create,
	(pthread_t * thread, const pthread_attr_t *attributes,
	 void *(*start)(void *), void *argument),
	(thread, attributes, start, argument), "pthread_create", EAGAIN, EAGAIN)
REPLACE(int, mkostemp, (char *path, int flags), (path, flags), "open", EMFILE,
	-1)
REPLACE(int, __open_2, (const char *path, int flags), (path, flags), "open",
	EMFILE, -1)
REPLACE(ssize_t, pread, (int fd, void *bytes, size_t size, off_t at),
	(fd, bytes, size, at), "pread", EIO, -1)
REPLACE(ssize_t, pwrite, (int fd, const void *bytes, size_t size, off_t at),
	(fd, bytes, size, at), "pwrite", ENOSPC, -1)
REPLACE(void *, mmap,
	(void *at, size_t size, int protection, int flags, int fd,
	 off_t offset),
	(at, size, protection, flags, fd, offset), "mmap", ENOMEM, MAP_FAILED)
REPLACE(void *, realloc, (void *old, size_t size), (old, size), "malloc",
	ENOMEM, NULL)
REPLACE(void *, aligned_alloc, (size_t alignment, size_t size),
	(alignment, size), "malloc", ENOMEM, NULL)
REPLACE(int, posix_memalign, (void **memory, size_t alignment, size_t size),
	(memory, alignment, size), "malloc", ENOMEM, ENOMEM)

/* What is closed is closed, and yet says that it failed, as NFS does. */
int close(int fd)
{
	NEXT(close)
	int status = next_close(fd);

	if (fd > 2 && fails("close", CALLER)) {
		errno = EIO;
		return -1;
	}
	return status;
}

ssize_t read(int fd, void *bytes, size_t size)
{
	NEXT(read)
	if (fails("read", CALLER)) {
		errno = EIO;
		return -1;
	}
	if (fails("intr-read", CALLER)) {
		errno = EINTR;
		return -1;
	}
	if (fails("short-read", CALLER))
		size -= size / 2;
	return next_read(fd, bytes, size);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	NEXT(write)
	if (fd > 2 && fails("write", CALLER)) {
		errno = ENOSPC;
		return -1;
	}
	if (fd > 2 && fails("intr-write", CALLER)) {
		errno = EINTR;
		return -1;
	}
	if (fd > 2 && fails("short-write", CALLER))
		size -= size / 2;
	return next_write(fd, bytes, size);
}

int open(const char *path, int flags, ...)
{
	NEXT(open)
	mode_t mode = 0;
	__builtin_va_list rest;

	__builtin_va_start(rest, flags);
	if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE)
		mode = __builtin_va_arg(rest, mode_t);
	__builtin_va_end(rest);
	if (fails("open", CALLER)) {
		errno = EMFILE;
		return -1;
	}
	return next_open(path, flags, mode);
}

void *malloc(size_t size)
{
	NEXT(malloc)
	if (fails("malloc", CALLER)) {
		errno = ENOMEM;
		return NULL;
	}
	return next_malloc(size);
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
		void *symbol = dlsym(RTLD_NEXT, "calloc");
		memcpy(&next, &symbol, sizeof symbol);
		looking = 0;
	}
	if (fails("malloc", CALLER)) {
		errno = ENOMEM;
		return NULL;
	}
	return next(count, size);
}
