#include "model/shard_order.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/string_table.h"

/* The next customer of a file. */
struct next_row {
	uint32_t shard, row;
	const char *name;
	size_t length;
};

/* A binary heap: the first name in byte order, then by number of file. */
struct row_heap {
	struct next_row *items;
	size_t count;
};

static bool comes_before(const struct next_row *a, const struct next_row *b)
{
	int order =
		string_table_compare(a->name, a->length, b->name, b->length);

	return order != 0 ? order < 0 : a->shard < b->shard;
}

/* Let item sink from a place where there is none. */
static void sink(struct row_heap *heap, size_t at, struct next_row item)
{
	for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
		if (child + 1 < heap->count &&
		    comes_before(&heap->items[child + 1], &heap->items[child]))
			child++;
		if (!comes_before(&heap->items[child], &item))
			break;
		heap->items[at] = heap->items[child];
	}
	heap->items[at] = item;
}

static struct next_row row_of(const struct shard_file *shards, uint32_t shard,
			      uint32_t row)
{
	struct next_row next = {.shard = shard, .row = row};

	next.name =
		text_array_at(&shards[shard].matrix->users, row, &next.length);
	return next;
}

static void begin(struct row_heap *heap, const struct shard_file *shards,
		  size_t count)
{
	heap->items = alloc(count, sizeof *heap->items);
	for (size_t s = 0; s < count; s++)
		if (shards[s].matrix->n > 0)
			heap->items[heap->count++] =
				row_of(shards, (uint32_t)s, 0);
	for (size_t i = heap->count; i-- > 0;)
		sink(heap, i, heap->items[i]);
}

/* Replace the first item by the next of its file. */
static void advance(struct row_heap *heap, const struct shard_file *shards)
{
	struct next_row first = heap->items[0];

	if (first.row + 1 < shards[first.shard].matrix->n)
		sink(heap, 0, row_of(shards, first.shard, first.row + 1));
	else if (--heap->count > 0)
		sink(heap, 0, heap->items[heap->count]);
}

const char *shard_order_merge(const struct shard_file *shards, size_t count,
			      struct shard_place *places)
{
	struct row_heap heap = {0};
	struct next_row last = {0};
	size_t n = 0;

	for (size_t s = 0; s < count; s++)
		n += shards[s].matrix->n;
	if (n > UINT32_MAX)
		return "more than 4,294,967,295 customers";
	begin(&heap, shards, count);
	for (n = 0; heap.count > 0; n++) {
		struct next_row next = heap.items[0];

		if (n > 0 && string_table_compare(next.name, next.length,
						  last.name, last.length) <= 0)
			break;
		places[n] = (struct shard_place){next.shard, next.row};
		last = next;
		advance(&heap, shards);
	}
	const char *error =
		heap.count == 0
			? NULL
			: error_text("%s: customer %.*s is in another file "
				     "too, or out of order",
				     shards[heap.items[0].shard].name,
				     (int)heap.items[0].length,
				     heap.items[0].name);
	free(heap.items);
	return error;
}
