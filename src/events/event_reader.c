#include "events/event_reader.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"

/* A row that is used. */
struct used {
	decimal value;
	size_t end; /* of its tags, which begin where those before it end */
};

/* What a thread has of its block. */
struct event_reader_thread {
	struct csv_block block;
	struct csv_rows rows;
	decimal *values; /* of each row */
	size_t value_room;
	struct used *used; /* rows, in their order */
	struct string_slice *users;
	uint32_t *user_indices;
	size_t used_count, used_room, user_room, user_index_room;
	struct string_slice *tags; /* of all those rows */
	uint32_t *tag_indices;
	size_t tag_count, tag_room, tag_index_room;
	uint64_t rows_in, rows_used, rows_untagged;
	bool ended;
};

/* ---------------------------------------------------------------- checking */

static enum reject check_value(const struct csv_rows *rows,
			       const struct csv_slice *slice, decimal *value)
{
	if (slice->length == 0)
		return REJECT_EMPTY_VALUE;
	switch (decimal_read(rows->text + slice->begin, slice->length, value)) {
	case DECIMAL_FINE:
		return REJECT_NONE;
	case DECIMAL_PRECISE:
		return REJECT_PRECISE;
	case DECIMAL_LARGE:
		return REJECT_LARGE;
	default:
		return REJECT_TEXT;
	}
}

/* What is wrong with a row, and its value. */
static enum reject check(const struct event_reader *events,
			 const struct csv_file *file,
			 const struct csv_rows *rows, const struct csv_row *row,
			 decimal *value)
{
	*value = 0;
	if (row->fault != CSV_FINE)
		return REJECT_CSV + row->fault;
	if (row->fields != file->fields)
		return row->fields < file->fields ? REJECT_FEW : REJECT_MANY;
	if (row->taken[COLUMN_USER].length == 0)
		return REJECT_EMPTY_USER;
	/* A cell for several tags may hold none. */
	if (row->taken[COLUMN_TAG].length == 0 &&
	    (events->items != NULL || events->separator == NULL))
		return REJECT_EMPTY_TAG;
	if (!events->columns->valued)
		return REJECT_NONE;
	return check_value(rows, &row->taken[COLUMN_VALUE], value);
}

/* Check all rows of the block; false where one is wrong. */
static bool check_block(const struct event_reader *events,
			struct event_reader_thread *of)
{
	const struct csv_file *file = &events->source.files[of->block.file];

	of->values = alloc_grow(of->values, &of->value_room, of->rows.count,
				sizeof *of->values);
	for (size_t i = 0; i < of->rows.count; i++)
		if (check(events, file, &of->rows, &of->rows.rows[i],
			  &of->values[i]) != REJECT_NONE)
			return false;
	return true;
}

/* Read the block's rows singly, and take those that are wrong out. */
static void reject_rows(const struct event_reader *events,
			struct event_reader_thread *of, unsigned thread)
{
	const struct csv_file *file = &events->source.files[of->block.file];
	struct csv_rows *rows = &of->rows;
	size_t kept = 0;

	csv_reader_parse_singly(&events->source, &of->block, rows);
	of->rows_in += rows->count;
	of->values = alloc_grow(of->values, &of->value_room, rows->count,
				sizeof *of->values);
	for (size_t i = 0; i < rows->count; i++) {
		enum reject reject = check(events, file, rows, &rows->rows[i],
					   &of->values[kept]);
		if (reject != REJECT_NONE)
			rejects_add(events->rejects, thread, &of->block, rows,
				    &rows->rows[i], reject);
		else
			rows->rows[kept++] = rows->rows[i];
	}
	rows->count = kept;
}

/* ----------------------------------------------------------------- grouping */

static void take_tag(struct event_reader_thread *of, const char *text,
		     size_t length)
{
	of->tags = alloc_grow(of->tags, &of->tag_room, of->tag_count + 1,
			      sizeof *of->tags);
	of->tags[of->tag_count++] = (struct string_slice){text, length};
}

/* Take the tags of a cell: of the item that it names, or its own. */
static void take_tags(const struct event_reader *events,
		      struct event_reader_thread *of, const char *text,
		      size_t length)
{
	const struct item_tags *items = events->items;
	const char *part;
	size_t at = 0, size;

	if (items == NULL) {
		while ((part = item_tags_next_part(text, length, &at,
						   events->separator, &size)) !=
		       NULL)
			take_tag(of, part, size);
		return;
	}
	size_t item = string_table_find(&items->items, text, length);
	if (item == STRING_TABLE_NONE)
		return;
	for (size_t i = items->begin[item]; i < items->begin[item + 1]; i++)
		take_tag(of, string_table_text(&items->tags, items->tag[i]),
			 string_table_length(&items->tags, items->tag[i]));
}

/* Take the rows that have a tag. */
static void take_rows(const struct event_reader *events,
		      struct event_reader_thread *of)
{
	const char *text = of->rows.text;
	size_t rows = of->rows.count;

	of->used = alloc_grow(of->used, &of->used_room, rows, sizeof *of->used);
	of->users =
		alloc_grow(of->users, &of->user_room, rows, sizeof *of->users);
	of->used_count = of->tag_count = 0;
	for (size_t i = 0; i < rows; i++) {
		const struct csv_slice *slices = of->rows.rows[i].taken;
		size_t tags = of->tag_count;
		take_tags(events, of, text + slices[COLUMN_TAG].begin,
			  slices[COLUMN_TAG].length);
		if (of->tag_count == tags)
			continue;
		of->users[of->used_count] =
			(struct string_slice){text + slices[COLUMN_USER].begin,
					      slices[COLUMN_USER].length};
		of->used[of->used_count++] =
			(struct used){of->values[i], of->tag_count};
	}
	of->rows_used += of->used_count;
	of->rows_untagged += rows - of->used_count;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A tag that a cell names twice counts once; how many there are then. */
static size_t drop_doubles(uint32_t *tags, size_t count)
{
	size_t kept = 0;

	if (count < 2)
		return count;
	qsort(tags, count, sizeof *tags, by_number);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || tags[i] != tags[i - 1])
			tags[kept++] = tags[i];
	return kept;
}

static void group_rows(const struct event_reader *events,
		       struct event_reader_thread *of, unsigned thread)
{
	struct group_by *groups = events->groups;

	take_rows(events, of);
	of->user_indices = alloc_grow(of->user_indices, &of->user_index_room,
				      of->used_count, sizeof *of->user_indices);
	of->tag_indices = alloc_grow(of->tag_indices, &of->tag_index_room,
				     of->tag_count, sizeof *of->tag_indices);
	group_by_users(groups, thread, of->users, of->used_count,
		       of->user_indices);
	group_by_tags(groups, thread, of->tags, of->tag_count, of->tag_indices);
	for (size_t i = 0, begin = 0; i < of->used_count; i++) {
		uint32_t *tags = of->tag_indices + begin;
		size_t count = drop_doubles(tags, of->used[i].end - begin);
		for (size_t tag = 0; tag < count; tag++)
			group_by_add(groups, thread, of->user_indices[i],
				     tags[tag], of->used[i].value);
		begin = of->used[i].end;
	}
}

/* ------------------------------------------------------------------- threads
 */

/* Take blocks until there are no more, or memory is full. */
static void work(void *shared, size_t piece, unsigned thread)
{
	struct event_reader *events = shared;
	struct event_reader_thread *of = &events->of[piece];

	(void)thread;
	while (!group_by_full(events->groups, (unsigned)piece)) {
		if (!csv_reader_next(&events->source, &of->block)) {
			of->ended = true;
			return;
		}
		uint64_t before = of->rows_in;
		if (csv_reader_parse_block(&events->source, &of->block,
					   &of->rows) &&
		    check_block(events, of))
			of->rows_in += of->rows.count;
		else
			reject_rows(events, of, (unsigned)piece);
		progress_add(of->rows_in - before);
		group_rows(events, of, (unsigned)piece);
	}
}

void event_reader_run(struct event_reader *events)
{
	unsigned threads = events->groups->threads;
	bool ended = false;

	events->of = alloc(threads, sizeof *events->of);
	progress_begin("rows", 0);
	while (!ended) {
		thread_pool_run(threads, threads, work, events);
		ended = true;
		for (unsigned t = 0; t < threads; t++)
			ended = ended && events->of[t].ended;
		if (!ended)
			group_by_spill(events->groups);
	}
	progress_end();
	for (unsigned t = 0; t < threads; t++) {
		struct event_reader_thread *of = &events->of[t];
		events->rows_in += of->rows_in;
		events->rows_used += of->rows_used;
		events->rows_untagged += of->rows_untagged;
		free(of->block.bytes);
		csv_rows_free(&of->rows);
		free(of->values);
		free(of->used);
		free(of->users);
		free(of->user_indices);
		free(of->tags);
		free(of->tag_indices);
	}
	free(events->of);
}
