/* fuzz: what the fuzzers share.  The flavour "fuzz" is built with exit defined
 * as fuzz_exit, so a reader that would end the process returns to the fuzzer.
 * What a reader says goes nowhere: libFuzzer's -close_fd_mask=2 keeps standard
 * error for its own report. */
#ifndef FUZZ_H
#define FUZZ_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/recovery.h"

static jmp_buf fuzz_back;

_Noreturn void fuzz_exit(int status);
_Noreturn void fuzz_exit(int status)
{
	(void)status;
	recovery_leave();
	longjmp(fuzz_back, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Make a folder for what readers open by name.  A process of its own removes it
 * with all that is in it once the fuzzer has ended, in whatever way. */
static inline void fuzz_folder(char path[64])
{
	int ends[2], kept;
	char byte;

	snprintf(path, 64, "/tmp/fuzz-XXXXXX");
	if (mkdtemp(path) == NULL || pipe2(ends, O_CLOEXEC) != 0)
		__builtin_trap();
	switch (fork()) {
	case -1:
		__builtin_trap();
	case 0:
		/* Signals from the terminal are not for it. */
		setsid();
		close(ends[1]);
		while (read(ends[0], &byte, 1) < 0)
			continue;
		execlp("rm", "rm", "-rf", path, NULL);
		_exit(1);
	default:
		/* It has the lowest number that is free: fuzz_run closes those
		 * above. */
		close(ends[0]);
		kept = fcntl(ends[1], F_DUPFD_CLOEXEC, 0);
		close(ends[1]);
		if (kept < 0)
			__builtin_trap();
	}
}

/* -------------------------------------------------------- failed allocations
 */

/* Fuzzers are linked with --wrap of the functions that base/alloc.h calls. */
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

/* How many allocations from now on are the last before one fails; 0: none
 * does. */
static atomic_size_t fuzz_allocations;

static bool fuzz_fails(void)
{
	size_t left = atomic_load(&fuzz_allocations);

	while (left > 0 && !atomic_compare_exchange_weak(&fuzz_allocations,
							 &left, left - 1))
		continue;
	return left == 1;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fuzz_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
	return fuzz_fails() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fuzz_fails() ? NULL : __real_aligned_alloc(alignment, size);
}

/* For one input in eight the number of an allocation, from 1, that is to fail
 * when it is read once more, by a hash (FNV-1a) of its bytes; 0 for others. */
static inline size_t fuzz_failing(const uint8_t *data, size_t size)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 16777619U;
	return hash >> 16 & 7 ? 0 : 1 + (hash >> 19) % 512;
}

/* ------------------------------------------------------------------- inputs */

/* A file that holds the bytes: its descriptor, and its path. */
static inline int fuzz_file(const uint8_t *data, size_t size, char path[64])
{
	int fd = memfd_create("input", 0);

	if (write(fd, data, size) != (ssize_t)size)
		__builtin_trap();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* The part of the input up to the byte 0x1e, or all of it; the rest remains in
 * *data and *size. */
static inline size_t fuzz_part(const uint8_t **data, size_t *size,
			       const uint8_t **part)
{
	const uint8_t *end = *size > 0 ? memchr(*data, 0x1e, *size) : NULL;
	size_t length = end != NULL ? (size_t)(end - *data) : *size;

	*part = *data;
	*data += length + (end != NULL);
	*size -= length + (end != NULL);
	return length;
}

static inline void fuzz_undo_nothing(void *context)
{
	(void)context;
}

/* Call work(context), which may end with die(): what it allocated is freed, and
 * the descriptors that it opened, and those before it in this run, closed. */
static inline void fuzz_run(void (*work)(void *context), void *context,
			    int first_fd)
{
	recovery_run(work, context, fuzz_undo_nothing);
	close_range((unsigned)first_fd, ~0U, 0);
}

/* The lowest descriptor that is free, at the start of a run. */
static inline int fuzz_first_fd(void)
{
	int fd = dup(STDIN_FILENO);

	if (fd < 0)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(fd);
	return fd;
}

/* Call each of the readers with the path of a file that holds the bytes. */
static inline void fuzz_readers(const uint8_t *data, size_t size,
				void (*const readers[])(void *path),
				size_t count)
{
	volatile int first_fd = fuzz_first_fd();
	char path[64];

	for (size_t i = 0; i < count; i++)
		if (setjmp(fuzz_back) == 0) {
			fuzz_file(data, size, path);
			fuzz_run(readers[i], path, first_fd);
		}
	close_range((unsigned)first_fd, ~0U, 0);
}

#endif
