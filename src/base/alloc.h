/* alloc: memory from the heap; where there is none, or a size overflows, the
 * process ends with a message, or the work of base/recovery.h is left.  But for
 * alloc_or_null no function here returns NULL. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

/* An array of count zeroed items of the given size in bytes; free() it. */
void *alloc(size_t count, size_t size);

/* The same, or NULL where there is no memory: for what is done outside of
 * base/recovery.h by a process that goes on. */
void *alloc_or_null(size_t count, size_t size);

/* As alloc, aligned to 64 bytes, or to 2 MiB from 4 MiB on (then on huge pages
 * where the kernel has them); its bytes are not set. */
void *alloc_aligned(size_t count, size_t size);

/* The array resized to count items; new items are not set. */
void *alloc_resize(void *array, size_t count, size_t size);

/* alloc_grow where needed is above *capacity. */
void *alloc_more(void *array, size_t *capacity, size_t needed, size_t size);

/* The array with room for at least needed items: grown by doubling, and
 * *capacity, in items, updated.  Usage:
 *     rows = alloc_grow(rows, &capacity, count + 1, sizeof *rows);  */
static inline void *alloc_grow(void *array, size_t *capacity, size_t needed,
			       size_t size)
{
	return needed <= *capacity ? array
				   : alloc_more(array, capacity, needed, size);
}

/* A copy of length bytes with a zero byte after them; free() it. */
char *alloc_text(const char *bytes, size_t length);

/* A text as by printf; free() it. */
char *alloc_print(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
char *alloc_vprint(const char *format, va_list arguments)
	__attribute__((format(printf, 1, 0)));

/* Returns memory that a library has allocated (or a text, an object of it);
 * ends the process where it is NULL. */
void *alloc_check(void *memory);

/* a * b, or the end of the process where that overflows. */
size_t alloc_product(size_t a, size_t b);

#endif
