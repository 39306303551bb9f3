/* string_table: strings to dense indices and back, in the order first seen. */
#ifndef BASE_STRING_TABLE_H
#define BASE_STRING_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct string_table {
	char *bytes;       /* all names, each followed by a zero byte */
	size_t used, room; /* of bytes */
	size_t *offsets;   /* count + 1; offsets[i] is where name i begins */
	size_t count, capacity;
	uint64_t *slots;   /* open addressing, with part of the hash */
	size_t slot_count; /* a power of two */
};

/* No such name. */
#define STRING_TABLE_NONE ((size_t)-1)

/* The index of the name, added where it is new. */
size_t string_table_add(struct string_table *names, const char *text,
			size_t length);

/* Text that is not of names. */
struct string_slice {
	const char *text;
	size_t length;
};

/* string_table_add for each of count names, several at a time, which is faster
 * where names does not fit the cache. */
void string_table_add_all(struct string_table *names,
			  const struct string_slice *list, size_t count,
			  uint32_t *indices);

/* The index of the name, or STRING_TABLE_NONE. */
size_t string_table_find(const struct string_table *names, const char *text,
			 size_t length);

/* The name with that index, and its length in bytes; valid until the next
 * string_table_add. */
const char *string_table_text(const struct string_table *names, size_t index);
size_t string_table_length(const struct string_table *names, size_t index);

/* rank[i]: the place of name i in ascending order of bytes. count items. */
void string_table_rank(const struct string_table *names, uint32_t *rank);

/* a < b, a == b, a > b by unsigned bytes, then length: -1, 0, 1. */
int string_table_compare(const char *a, size_t a_length, const char *b,
			 size_t b_length);

void string_table_free(struct string_table *names);

#endif
