/* string_table: strings (any bytes) to dense indices and back, in the order
 * first seen.  A hash table with linear probing; its memory ends the process
 * where there is none (base/alloc.h).  Zero is an empty table. */
#ifndef BASE_STRING_TABLE_H
#define BASE_STRING_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* A place in the hash table. */
struct string_slot {
	uint64_t word;   /* a short string itself, or the hash of a long one */
	uint32_t number; /* index + 1; 0: free */
	uint32_t length; /* UINT32_MAX where it is more */
};

struct string_table {
	char *bytes;       /* all strings, each followed by a zero byte */
	size_t used, room; /* of bytes */
	size_t *offsets;   /* count + 1; offsets[i] is where string i begins */
	size_t count, capacity;
	struct string_slot *slots;
	size_t slot_count; /* a power of two */
};

/* No such string. */
#define STRING_TABLE_NONE ((size_t)-1)

/* The index of the string, added where it is new: at most 2^31 - 1 of them, or
 * the process ends. */
size_t string_table_add(struct string_table *table, const char *text,
			size_t length);

/* A string that the caller owns. */
struct string_slice {
	const char *text;
	size_t length;
};

/* string_table_add for each of count strings: indices[i] is that of list[i].
 * Several are looked up at a time, which is faster where the table does not fit
 * the cache. */
void string_table_add_all(struct string_table *table,
			  const struct string_slice *list, size_t count,
			  uint32_t *indices);

/* The index of the string, or STRING_TABLE_NONE. */
size_t string_table_find(const struct string_table *table, const char *text,
			 size_t length);

/* The string with that index (below count), followed by a zero byte, and its
 * length in bytes.  Owned by the table; valid until the next string is added.
 */
const char *string_table_text(const struct string_table *table, size_t index);
size_t string_table_length(const struct string_table *table, size_t index);

/* rank[i]: the place of string i in ascending order of bytes, from 0; rank has
 * room for count items. */
void string_table_rank(const struct string_table *table, uint32_t *rank);

/* -1, 0 or 1 where a is below, equal to or above b, by unsigned bytes; of two
 * that are equal up to the end of one, the shorter is below. */
int string_table_compare(const char *a, size_t a_length, const char *b,
			 size_t b_length);

/* Free what the table has; it is empty then. */
void string_table_free(struct string_table *table);

/* The index of a text among count distinct ones in ascending order, of which
 * the i-th is text_at(context, i); SIZE_MAX where it is not among them. */
size_t string_search(size_t count,
		     struct string_slice (*text_at)(const void *context,
						    size_t i),
		     const void *context, const char *text, size_t length);

#endif
