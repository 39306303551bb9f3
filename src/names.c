#include "names.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "alloc.h"
#include "die.h"

const char *names_text(const struct names *names, size_t index)
{
	return names->bytes + names->offsets[index];
}

size_t names_length(const struct names *names, size_t index)
{
	return names->offsets[index + 1] - names->offsets[index] - 1;
}

/* The slot that holds the name, or the free one where it belongs. */
static size_t find_slot(const struct names *names, const char *text,
			size_t length)
{
	size_t mask = names->slot_count - 1;
	size_t slot = (size_t)XXH3_64bits(text, length) & mask;

	for (; names->slots[slot] != 0; slot = (slot + 1) & mask) {
		size_t index = names->slots[slot] - 1;
		if (names_length(names, index) == length &&
		    memcmp(names_text(names, index), text, length) == 0)
			break;
	}
	return slot;
}

/* Twice the slots, or the first 64. */
static void widen(struct names *names)
{
	free(names->slots);
	names->slot_count = names->slot_count ? names->slot_count * 2 : 64;
	names->slots = alloc(names->slot_count, sizeof *names->slots);
	for (size_t i = 0; i < names->count; i++) {
		size_t slot = find_slot(names, names_text(names, i),
					names_length(names, i));
		names->slots[slot] = (uint32_t)i + 1;
	}
}

size_t names_find(const struct names *names, const char *text, size_t length)
{
	if (names->count == 0)
		return NAMES_NONE;
	uint32_t found = names->slots[find_slot(names, text, length)];
	return found ? found - 1 : NAMES_NONE;
}

size_t names_add(struct names *names, const char *text, size_t length)
{
	/* At most half the slots are taken. */
	if (2 * (names->count + 1) > names->slot_count)
		widen(names);
	size_t slot = find_slot(names, text, length);
	if (names->slots[slot] != 0)
		return names->slots[slot] - 1;
	if (names->count == INT32_MAX)
		die("more than %d different names", INT32_MAX);
	names->offsets = alloc_grow(names->offsets, &names->capacity,
				    names->count + 2, sizeof *names->offsets);
	names->bytes = alloc_grow(names->bytes, &names->room,
				  names->used + length + 1, 1);
	names->offsets[names->count] = names->used;
	if (length > 0)
		memcpy(names->bytes + names->used, text, length);
	names->bytes[names->used + length] = '\0';
	names->used += length + 1;
	names->offsets[++names->count] = names->used;
	names->slots[slot] = (uint32_t)names->count;
	return names->count - 1;
}

int names_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t common = a_length < b_length ? a_length : b_length;
	int order = common ? memcmp(a, b, common) : 0;

	if (order != 0)
		return order < 0 ? -1 : 1;
	return (a_length > b_length) - (a_length < b_length);
}

static int by_bytes(const void *a, const void *b, void *context)
{
	const struct names *names = context;
	size_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	return names_compare(names_text(names, i), names_length(names, i),
			     names_text(names, j), names_length(names, j));
}

void names_rank(const struct names *names, uint32_t *rank)
{
	uint32_t *order = alloc(names->count, sizeof *order);

	for (size_t i = 0; i < names->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, names->count, sizeof *order, by_bytes,
		(void *)(uintptr_t)names);
	for (size_t i = 0; i < names->count; i++)
		rank[order[i]] = (uint32_t)i;
	free(order);
}

void names_free(struct names *names)
{
	free(names->bytes);
	free(names->offsets);
	free(names->slots);
	*names = (struct names){ 0 };
}
