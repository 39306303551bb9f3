#include "base/string_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/errors.h"

/* BATCH: strings that are looked up at a time.  SMALL: fewer are sorted by
 * comparing.  SHORT: strings of so many bytes are compared within their slots.
 */
enum { BATCH = 64, SMALL = 32, SHORT = 8 };

const char *string_table_text(const struct string_table *table, size_t index)
{
	return table->bytes + table->offsets[index];
}

static size_t length_of(const struct string_table *table, size_t index)
{
	return table->offsets[index + 1] - table->offsets[index] - 1;
}

size_t string_table_length(const struct string_table *table, size_t index)
{
	return length_of(table, index);
}

/* A string of up to SHORT bytes as a number: of two that are as long, equal
 * where they are.  For lengths from 4 on, the first four bytes and the last. */
static uint64_t short_word(const char *text, size_t length)
{
	uint32_t first = 0, last = 0;

	if (length >= 4) {
		memcpy(&first, text, 4);
		memcpy(&last, text + length - 4, 4);
		return (uint64_t)last << 32 | first;
	}
	for (size_t i = 0; i < length; i++)
		first = first << 8 | (unsigned char)text[i];
	return first;
}

/* The hash of a short string (the finalizer of MurmurHash3). */
static uint64_t short_hash(uint64_t word, size_t length)
{
	uint64_t hash = word + length * UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

/* The hash of a slot's string. */
static uint64_t slot_hash(const struct string_slot *slot)
{
	return slot->length <= SHORT ? short_hash(slot->word, slot->length)
				     : slot->word;
}

/* Where the search for a slot begins. */
static size_t begin_of(const struct string_table *table,
		       const struct string_slot *slot)
{
	return (size_t)slot_hash(slot) & (table->slot_count - 1);
}

/* What the slot of a string has, but for its number. */
static struct string_slot make_key(const char *text, size_t length)
{
	if (length <= SHORT)
		return (struct string_slot){.word = short_word(text, length),
					    .length = (uint32_t)length};
	return (struct string_slot){
		.word = XXH3_64bits(text, length),
		.length = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX};
}

/* The first slot from at on that is free or may hold the key's string. */
static size_t find_key(const struct string_table *table,
		       const struct string_slot *key, size_t at)
{
	const struct string_slot *slots = table->slots;

	while (slots[at].number != 0 &&
	       (slots[at].word != key->word || slots[at].length != key->length))
		at = (at + 1) & (table->slot_count - 1);
	return at;
}

/* The slot that holds the string, or the free one where it belongs; from at on.
 */
static inline size_t find_slot(const struct string_table *table,
			       const struct string_slot *key, size_t at,
			       const char *text, size_t length)
{
	for (;; at = (at + 1) & (table->slot_count - 1)) {
		at = find_key(table, key, at);
		size_t index = table->slots[at].number - (size_t)1;
		if (index == STRING_TABLE_NONE || length <= SHORT ||
		    (length_of(table, index) == length &&
		     memcmp(string_table_text(table, index), text, length) ==
			     0))
			return at;
	}
}

/* Whether so many strings leave enough slots free: a fifth. */
static bool has_room(const struct string_table *table, size_t strings)
{
	return strings <= table->slot_count / 5 * 4;
}

/* Make room for more strings. */
static void widen(struct string_table *table, size_t more)
{
	struct string_slot *old = table->slots;
	size_t count = table->slot_count;

	if (has_room(table, table->count + more))
		return;
	table->slot_count = count ? count : 64;
	while (!has_room(table, table->count + more))
		table->slot_count *= 2;
	/* Not calloc: a page that is read before it is written is mapped to
	 * the zero page first, and mapping it anew at the write interrupts all
	 * processors that run a thread of this process. */
	table->slots =
		alloc_resize(NULL, table->slot_count, sizeof *table->slots);
	memset(table->slots, 0, table->slot_count * sizeof *table->slots);
	for (size_t i = 0; i < count; i++) {
		if (old[i].number == 0)
			continue;
		size_t at = begin_of(table, &old[i]);
		while (table->slots[at].number != 0)
			at = (at + 1) & (table->slot_count - 1);
		table->slots[at] = old[i];
	}
	free(old);
}

size_t string_table_find(const struct string_table *table, const char *text,
			 size_t length)
{
	if (table->count == 0)
		return STRING_TABLE_NONE;
	struct string_slot key = make_key(text, length);
	size_t at = find_slot(table, &key, begin_of(table, &key), text, length);
	/* Of a free slot, number - 1 is none. */
	return table->slots[at].number - (size_t)1;
}

/* Append a string; its index. */
static size_t append(struct string_table *table, const char *text,
		     size_t length)
{
	if (table->count == INT32_MAX)
		die("more than %d different names", INT32_MAX);
	table->offsets = alloc_grow(table->offsets, &table->capacity,
				    table->count + 2, sizeof *table->offsets);
	table->bytes = alloc_grow(table->bytes, &table->room,
				  table->used + length + 1, 1);
	table->offsets[table->count] = table->used;
	if (length > 0)
		memcpy(table->bytes + table->used, text, length);
	table->bytes[table->used + length] = '\0';
	table->used += length + 1;
	table->offsets[++table->count] = table->used;
	return table->count - 1;
}

/* Find or add, with a slot free; from the slot at on. */
static inline size_t find_or_append(struct string_table *table,
				    const struct string_slot *key, size_t at,
				    const char *text, size_t length)
{
	at = find_slot(table, key, at, text, length);
	if (table->slots[at].number == 0) {
		table->slots[at] = *key;
		table->slots[at].number =
			(uint32_t)append(table, text, length) + 1;
	}
	return table->slots[at].number - (size_t)1;
}

size_t string_table_add(struct string_table *table, const char *text,
			size_t length)
{
	struct string_slot key = make_key(text, length);

	widen(table, 1);
	return find_or_append(table, &key, begin_of(table, &key), text, length);
}

/* Up to BATCH strings: the memory that each step reads is prefetched in the
 * step before. */
static void add_batch(struct string_table *table,
		      const struct string_slice *list, size_t count,
		      uint32_t *indices)
{
	struct string_slot keys[BATCH];
	size_t at[BATCH];
	uint32_t compared[BATCH]; /* indices of long strings */
	size_t n = 0;

	widen(table, count);
	for (size_t i = 0; i < count; i++) {
		keys[i] = make_key(list[i].text, list[i].length);
		at[i] = begin_of(table, &keys[i]);
		__builtin_prefetch(&table->slots[at[i]]);
	}
	for (size_t i = 0; i < count; i++) {
		at[i] = find_key(table, &keys[i], at[i]);
		if (list[i].length <= SHORT || table->slots[at[i]].number == 0)
			continue;
		compared[n] = table->slots[at[i]].number - 1;
		__builtin_prefetch(&table->offsets[compared[n++]]);
	}
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(string_table_text(table, compared[i]));
	for (size_t i = 0; i < count; i++)
		indices[i] = (uint32_t)find_or_append(
			table, &keys[i], at[i], list[i].text, list[i].length);
}

void string_table_add_all(struct string_table *table,
			  const struct string_slice *list, size_t count,
			  uint32_t *indices)
{
	for (size_t i = 0; i < count; i += BATCH)
		add_batch(table, list + i,
			  count - i < BATCH ? count - i : BATCH, indices + i);
}

int string_table_compare(const char *a, size_t a_length, const char *b,
			 size_t b_length)
{
	size_t common = a_length < b_length ? a_length : b_length;
	int order = common ? memcmp(a, b, common) : 0;

	if (order != 0)
		return order < 0 ? -1 : 1;
	return (a_length > b_length) - (a_length < b_length);
}

/* ------------------------------------------------------------------ ranking */

/* A string, and eight bytes of it as a number that sorts as they do. */
struct keyed {
	uint64_t key;
	uint32_t index;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int by_bytes(const void *a, const void *b, void *context)
{
	const struct string_table *table = context;
	size_t i = ((const struct keyed *)a)->index;
	size_t j = ((const struct keyed *)b)->index;

	return string_table_compare(
		string_table_text(table, i), length_of(table, i),
		string_table_text(table, j), length_of(table, j));
}

/* The eight bytes from depth on; zeros follow the string's end. */
static uint64_t key_at(const struct string_table *table, size_t index,
		       size_t depth)
{
	size_t length = length_of(table, index);
	uint64_t key = 0;

	for (size_t i = depth; i < depth + 8; i++)
		key = key << 8 | (i < length ? (unsigned char)string_table_text(
						       table, index)[i]
					     : 0);
	return key;
}

/* Sort by key: a radix sort of a byte at a time from the lowest, without those
 * bytes that are equal in all keys. */
static void sort_by_key(struct keyed *keyed, struct keyed *spare, size_t count)
{
	struct keyed *from = keyed, *to = spare;

	if (count < SMALL) {
		qsort(keyed, count, sizeof *keyed, by_key);
		return;
	}
	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t next[256] = {0}, sum = 0;
		for (size_t i = 0; i < count; i++)
			next[from[i].key >> shift & 255]++;
		if (next[from[0].key >> shift & 255] == count)
			continue;
		for (int i = 0; i < 256; i++) {
			size_t own = next[i];
			next[i] = sum;
			sum += own;
		}
		for (size_t i = 0; i < count; i++)
			to[next[from[i].key >> shift & 255]++] = from[i];
		struct keyed *swap = from;
		from = to;
		to = swap;
	}
	if (from != keyed)
		memcpy(keyed, from, count * sizeof *keyed);
}

/* Where the keys that equal the first end. */
static size_t equal_until(const struct keyed *keyed, size_t first, size_t count)
{
	size_t end = first + 1;

	while (end < count && keyed[end].key == keyed[first].key)
		end++;
	return end;
}

/* Sort strings that are equal up to depth. */
static void sort_strings(const struct string_table *table, struct keyed *keyed,
			 struct keyed *spare, size_t count, size_t depth)
{
	for (size_t first = 0; first == 0; depth += 8) {
		bool longer = false;
		for (size_t i = 0; i < count; i++) {
			size_t index = keyed[i].index;
			keyed[i].key = key_at(table, index, depth);
			longer = longer || length_of(table, index) > depth;
		}
		if (count < SMALL || !longer) {
			qsort_r(keyed, count, sizeof *keyed, by_bytes,
				(void *)(uintptr_t)table);
			return;
		}
		sort_by_key(keyed, spare, count);
		/* All equal here, too: no recursion, strings may be long. */
		if (keyed[0].key == keyed[count - 1].key)
			continue;
		for (size_t end; first < count; first = end) {
			end = equal_until(keyed, first, count);
			if (end - first > 1)
				sort_strings(table, keyed + first, spare,
					     end - first, depth + 8);
		}
	}
}

void string_table_rank(const struct string_table *table, uint32_t *rank)
{
	struct keyed *keyed = alloc(table->count, sizeof *keyed);
	struct keyed *spare = alloc(table->count, sizeof *spare);

	for (size_t i = 0; i < table->count; i++)
		keyed[i].index = (uint32_t)i;
	sort_strings(table, keyed, spare, table->count, 0);
	for (size_t i = 0; i < table->count; i++)
		rank[keyed[i].index] = (uint32_t)i;
	free(keyed);
	free(spare);
}

void string_table_free(struct string_table *table)
{
	free(table->bytes);
	free(table->offsets);
	free(table->slots);
	*table = (struct string_table){0};
}

size_t string_search(size_t count,
		     struct string_slice (*text_at)(const void *context,
						    size_t i),
		     const void *context, const char *text, size_t length)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct string_slice here = text_at(context, middle);
		int order = string_table_compare(here.text, here.length, text,
						 length);
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}
