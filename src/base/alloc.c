#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/errors.h"
#include "base/recovery.h"

/* Bytes of a huge page, and of the smallest array that is put on some. */
enum { HUGE_PAGE = 2 << 20, LARGE = 2 * HUGE_PAGE };

/* Ends the process where there is no room to note a block of so many bytes. */
static void reserve(size_t bytes)
{
	if (!recovery_reserve())
		die("out of memory: %zu bytes wanted", bytes);
}

/* Returns memory, noted; ends the process where it is NULL. */
static void *checked(void *memory, size_t bytes)
{
	if (memory == NULL)
		die("out of memory: %zu bytes wanted", bytes);
	recovery_record(memory);
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

	reserve(bytes);
	return checked(calloc(1, bytes ? bytes : 1), bytes);
}

void *alloc_or_null(size_t count, size_t size)
{
	return calloc(count ? count : 1, size ? size : 1);
}

void *alloc_aligned(size_t count, size_t size)
{
	size_t bytes = alloc_product(count, size);
	size_t line = bytes < LARGE ? 64 : HUGE_PAGE;

	if (bytes > SIZE_MAX - line)
		die("out of memory: %zu bytes wanted", bytes);
	reserve(bytes);
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
	bool noted = array == NULL;
	void *resized;

	reserve(bytes);
	if (array != NULL)
		noted = recovery_forget(array);
	resized = realloc(array, bytes ? bytes : 1);
	if (noted && (resized != NULL || array != NULL))
		recovery_record(resized ? resized : array);
	if (resized == NULL)
		die("out of memory: %zu bytes wanted", bytes);
	return resized;
}

void *alloc_more(void *array, size_t *capacity, size_t needed, size_t size)
{
	size_t larger = *capacity < SIZE_MAX / 2 ? *capacity * 2 : SIZE_MAX;
	if (larger < 16)
		larger = 16;
	if (larger < needed)
		larger = needed;
	array = alloc_resize(array, larger, size);
	*capacity = larger;
	return array;
}

char *alloc_vprint(const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		die("out of memory");
	char *text = alloc((size_t)length + 1, 1);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

char *alloc_print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = alloc_vprint(format, arguments);
	va_end(arguments);
	return text;
}

char *alloc_text(const char *bytes, size_t length)
{
	char *text = alloc(length + 1, 1);

	if (length > 0)
		memcpy(text, bytes, length);
	return text;
}
