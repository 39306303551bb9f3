/* names: strings to dense indices and back, in the order first seen. */
#ifndef BASE_STRING_TABLE_H
#define BASE_STRING_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct names {
	char *bytes;       /* all names, each followed by a zero byte */
	size_t used, room; /* of bytes */
	size_t *offsets;   /* count + 1; offsets[i] is where name i begins */
	size_t count, capacity;
	uint64_t *slots;   /* open addressing, with part of the hash */
	size_t slot_count; /* a power of two */
};

/* No such name. */
#define NAMES_NONE ((size_t)-1)

/* The index of the name, added where it is new. */
size_t names_add(struct names *names, const char *text, size_t length);

/* Text that is not of names. */
struct name {
	const char *text;
	size_t length;
};

/* names_add for each of count names, several at a time, which is faster where
 * names does not fit the cache. */
void names_add_all(struct names *names, const struct name *list, size_t count,
		   uint32_t *indices);

/* The index of the name, or NAMES_NONE. */
size_t names_find(const struct names *names, const char *text, size_t length);

/* The name with that index, and its length in bytes; valid until the next
 * names_add. */
const char *names_text(const struct names *names, size_t index);
size_t names_length(const struct names *names, size_t index);

/* rank[i]: the place of name i in ascending order of bytes. count items. */
void names_rank(const struct names *names, uint32_t *rank);

/* a < b, a == b, a > b by unsigned bytes, then length: -1, 0, 1. */
int names_compare(const char *a, size_t a_length, const char *b,
		  size_t b_length);

void names_free(struct names *names);

#endif
