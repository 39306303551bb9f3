#include "events/customer_sums.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"

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

const char *customer_sums_write(struct customer_sums *sums, const char *name,
				size_t length)
{
	struct customer_row *rows = sums->rows;
	size_t count = sums->count;

	sums->count = 0;
	sums->lines += count;
	if (customer_names_is_forgotten(sums->names, name, length)) {
		sums->forgotten += count;
		return NULL;
	}
	sort_rows(rows, count);
	run_writer_user(sums->writer, name, length);
	for (size_t i = 0, next; i < count; i = next) {
		const struct string_slice *tag = &rows[i].tag;
		struct pair_sums all = {0};
		const char *error = NULL;
		for (next = i;
		     next < count && by_tag(&rows[i], &rows[next]) == 0; next++)
			if (error == NULL)
				error = pair_sums_add(&all, rows[next].events,
						      rows[next].value);
		if (error != NULL)
			return error_text("customer %.*s, tag %.*s: %s",
					  (int)length, name, (int)tag->length,
					  tag->text, error);
		string_table_add(&sums->tags, tag->text, tag->length);
		run_writer_pair(sums->writer, tag->text, tag->length,
				all.events, all.value);
	}
	run_writer_end_user(sums->writer);
	return NULL;
}

void customer_sums_free(struct customer_sums *sums)
{
	free(sums->rows);
	string_table_free(&sums->tags);
	sums->rows = NULL;
	sums->count = sums->room = 0;
}
