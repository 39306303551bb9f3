#include "events/customer_sums.h"

#include <stdlib.h>

#include "base/alloc.h"

static int by_tag(const void *a, const void *b)
{
	const struct customer_row *x = a, *y = b;

	return string_table_compare(x->tag.text, x->tag.length, y->tag.text,
				    y->tag.length);
}

void customer_sums_add(struct customer_sums *sums,
		       const struct customer_row *row)
{
	sums->rows = alloc_grow(sums->rows, &sums->room, sums->count + 1,
				sizeof *sums->rows);
	sums->rows[sums->count++] = *row;
}

/* Sort the rows by tag, unless they are: those of one profile are. */
static void sort_rows(struct customer_row *rows, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (by_tag(&rows[i - 1], &rows[i]) > 0) {
			qsort(rows, count, sizeof *rows, by_tag);
			return;
		}
}

void customer_sums_write(struct customer_sums *sums, const char *name,
			 size_t length)
{
	struct customer_row *rows = sums->rows;
	size_t count = sums->count;

	sums->count = 0;
	sums->lines += count;
	if (customer_names_is_forgotten(sums->names, name, length)) {
		sums->forgotten += count;
		return;
	}
	sort_rows(rows, count);
	run_writer_user(sums->writer, name, length);
	for (size_t i = 0, next; i < count; i = next) {
		const struct string_slice *tag = &rows[i].tag;
		uint64_t events = 0;
		decimal value = 0;
		for (next = i;
		     next < count && by_tag(&rows[i], &rows[next]) == 0;
		     next++) {
			events += rows[next].events;
			value += rows[next].value;
		}
		string_table_add(&sums->tags, tag->text, tag->length);
		run_writer_pair(sums->writer, tag->text, tag->length, events,
				value);
	}
	run_writer_end_user(sums->writer);
}

void customer_sums_free(struct customer_sums *sums)
{
	free(sums->rows);
	string_table_free(&sums->tags);
	sums->rows = NULL;
	sums->count = sums->room = 0;
}
