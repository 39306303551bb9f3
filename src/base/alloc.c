#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/errors.h"

/* Bytes of a huge page, and of the smallest array that is put on some. */
enum { HUGE_PAGE = 2 << 20, LARGE = 2 * HUGE_PAGE };

/* Returns memory; ends the process where it is NULL. */
static void *checked(void *memory, size_t bytes)
{
	if (memory == NULL)
		die("out of memory: %zu bytes wanted", bytes);
	return memory;
}

void *alloc_check(void *memory)
{
	if (memory == NULL)
		die("out of memory");
	return memory;
}

size_t alloc_product(size_t a, size_t b)
{
	size_t product;

	if (__builtin_mul_overflow(a, b, &product))
		die("out of memory: %zu items of %zu bytes wanted", a, b);
	return product;
}

void *alloc(size_t count, size_t size)
{
	size_t bytes = alloc_product(count, size);

	return checked(calloc(1, bytes ? bytes : 1), bytes);
}

void *alloc_aligned(size_t count, size_t size)
{
	size_t bytes = alloc_product(count, size);
	size_t line = bytes < LARGE ? 64 : HUGE_PAGE;

	if (bytes > SIZE_MAX - line)
		die("out of memory: %zu bytes wanted", bytes);
	/* aligned_alloc wants a multiple of the alignment. */
	void *memory = checked(
		aligned_alloc(line, (bytes + line) / line * line), bytes);
	/* Rows of a large array are read in no order: with small pages a miss
	 * of the TLB costs as much as the read.  A kernel may refuse. */
	if (line == HUGE_PAGE)
		madvise(memory, bytes, MADV_HUGEPAGE);
	return memory;
}

void *alloc_resize(void *array, size_t count, size_t size)
{
	size_t bytes = alloc_product(count, size);

	return checked(realloc(array, bytes ? bytes : 1), bytes);
}

void *alloc_grow(void *array, size_t *capacity, size_t needed, size_t size)
{
	if (needed <= *capacity)
		return array;
	size_t larger = *capacity < SIZE_MAX / 2 ? *capacity * 2 : SIZE_MAX;
	if (larger < 16)
		larger = 16;
	if (larger < needed)
		larger = needed;
	array = alloc_resize(array, larger, size);
	*capacity = larger;
	return array;
}

char *alloc_text(const char *bytes, size_t length)
{
	char *text = alloc(length + 1, 1);

	if (length > 0)
		memcpy(text, bytes, length);
	return text;
}
