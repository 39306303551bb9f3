/* fuzz: what the fuzzers share.  The flavour "fuzz" is built with exit defined
 * as fuzz_exit, so a reader that would end the process returns to the fuzzer,
 * at its setjmp(fuzz_back).  What a reader says goes nowhere: libFuzzer's
 * -close_fd_mask=2 keeps standard error for its own report. */
#ifndef FUZZ_H
#define FUZZ_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static jmp_buf fuzz_back;

_Noreturn void fuzz_exit(int status);
_Noreturn void fuzz_exit(int status)
{
	(void)status;
	longjmp(fuzz_back, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file that holds the bytes: its descriptor, and its path. */
static inline int fuzz_file(const uint8_t *data, size_t size, char path[64])
{
	int fd = memfd_create("input", 0);

	if (write(fd, data, size) != (ssize_t)size)
		__builtin_trap();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

#endif
