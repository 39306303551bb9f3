#include "events/event_reader.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "base/utf8.h"

/* A row that is used. */
struct used_row {
	decimal value;
	size_t end; /* of its tags, which begin where those before it end */
};

/* What a thread has of its block. */
struct event_reader_thread {
	struct csv_block block;
	struct csv_rows rows;
	decimal *values; /* of each row */
	size_t value_room;
	struct used_row *used; /* rows, in their order */
	struct string_slice *users;
	uint32_t *user_indices;
	size_t used_count, used_room, user_room, user_index_room;
	struct string_slice *tags; /* of all those rows */
	uint32_t *tag_indices;
	size_t tag_count, tag_room, tag_index_room;
	int64_t *weights; /* of those tags, in 10^-9; NULL without weights */
	size_t weight_room;
	uint64_t rows_in, rows_used, rows_untagged, rows_other;
	uint64_t rows_left_out, rows_forgotten;
	char *pseudonyms; /* of the customers of those rows */
	size_t pseudonym_room;
	bool other; /* the cell had a tag of the other half */
	struct item_join join;
	char *own; /* tags of items that are in no catalogue, of the block */
	size_t own_used, own_room;
	struct row_observations observations;
	struct foreign_bytes foreign;
	bool ended;
};

/* ---------------------------------------------------------------- checking */

/* Keep a row in its new place, unless it is left out. */
static size_t keep_row(struct event_reader_thread *state, size_t kept,
		       const struct csv_row *row,
		       const struct checked_row *checked)
{
	if (checked->left_out) {
		state->rows_left_out++;
		return kept;
	}
	state->values[kept] = checked->value;
	if (row != &state->rows.rows[kept])
		state->rows.rows[kept] = *row;
	return kept + 1;
}

/* Whether row i of the block repeats the header; trims its fields first, where
 * the rules say so. */
static bool is_header(const struct event_reader *events,
		      struct event_reader_thread *state, size_t i)
{
	struct csv_rows *rows = &state->rows;

	if (events->rules.trim)
		row_trim(rows, &rows->rows[i]);
	return row_repeats_header(&events->rules,
				  &events->source.files[state->block.file],
				  rows, &rows->rows[i]);
}

/* Check all rows of the block, and keep those that count; false where one is
 * wrong or no row, and then nothing is counted. */
static bool check_block(const struct event_reader *events,
			struct event_reader_thread *state)
{
	const struct csv_file *file = &events->source.files[state->block.file];
	struct csv_rows *rows = &state->rows;
	struct row_observations observations = {0};
	uint64_t left_out = state->rows_left_out;
	struct checked_row checked;
	size_t kept = 0;

	state->values = alloc_grow(state->values, &state->value_room,
				   rows->count, sizeof *state->values);
	for (size_t i = 0; i < rows->count; i++) {
		if (is_header(events, state, i) ||
		    row_check(&events->rules, file, rows, &rows->rows[i],
			      &checked, &observations) != REJECT_NONE) {
			state->rows_left_out = left_out;
			return false;
		}
		kept = keep_row(state, kept, &rows->rows[i], &checked);
	}
	state->rows_in += rows->count;
	rows->count = kept;
	row_observations_add(&state->observations, &observations);
	return true;
}

/* Read the block's rows singly, and take those out that are wrong or repeat the
 * header. */
static void reject_rows(const struct event_reader *events,
			struct event_reader_thread *state, unsigned thread)
{
	const struct csv_file *file = &events->source.files[state->block.file];
	struct csv_rows *rows = &state->rows;
	size_t kept = 0;
	uint64_t headers = state->observations.headers;

	csv_reader_parse_singly(&events->source, &state->block, rows);
	state->rows_in += rows->count;
	state->values = alloc_grow(state->values, &state->value_room,
				   rows->count, sizeof *state->values);
	for (size_t i = 0; i < rows->count; i++) {
		if (is_header(events, state, i)) {
			state->observations.headers++;
			continue;
		}
		struct checked_row checked;
		enum reject reject =
			row_check(&events->rules, file, rows, &rows->rows[i],
				  &checked, &state->observations);
		if (reject != REJECT_NONE)
			rejects_add(events->rejects, thread, &state->block,
				    rows, &rows->rows[i], reject);
		else
			kept = keep_row(state, kept, &rows->rows[i], &checked);
	}
	state->rows_in -= state->observations.headers - headers;
	rows->count = kept;
}

/* ----------------------------------------------------------------- grouping */

/* Whether what has that hash is in the half that counts. */
static bool in_half(const struct event_reader *events, uint64_t hash)
{
	unsigned quarter = (unsigned)events->half - QUARTER_AA;

	if (events->half < QUARTER_AA)
		return events->half == HALF_ALL ||
		       (hash & 1) == (events->half == HALF_B);
	return (hash & 1) == quarter / 2 && (hash >> 1 & 1) == quarter % 2;
}

static bool has_weights(const struct event_reader *events)
{
	return events->items != NULL && events->items->weight != NULL;
}

static void append_tag(const struct event_reader *events,
		       struct event_reader_thread *state, const char *text,
		       size_t length, int64_t weight)
{
	if (events->half_by_tag &&
	    !in_half(events,
		     XXH3_64bits_withSeed(text, length, events->half_key))) {
		state->other = true;
		return;
	}
	state->tags = alloc_grow(state->tags, &state->tag_room,
				 state->tag_count + 1, sizeof *state->tags);
	if (has_weights(events)) {
		state->weights = alloc_grow(state->weights, &state->weight_room,
					    state->tag_count + 1,
					    sizeof *state->weights);
		state->weights[state->tag_count] = weight;
	}
	state->tags[state->tag_count++] = (struct string_slice){text, length};
}

/* With own_prefix: append the tag of an item that is in no catalogue. */
static void append_own_tag(const struct event_reader *events,
			   struct event_reader_thread *state, const char *text,
			   size_t length)
{
	const char *prefix = events->items->own_prefix;
	char *tag;
	size_t size;

	if (prefix == NULL)
		return;
	tag = state->own + state->own_used;
	size = strlen(prefix);
	memcpy(tag, prefix, size);
	memcpy(tag + size, text, length);
	state->own_used += size + length;
	append_tag(events, state, tag, size + length, DECIMAL_ONE);
}

/* Make room for such tags of all rows of the block, so that none moves. */
static void reserve_own_tags(const struct event_reader *events,
			     struct event_reader_thread *state)
{
	const char *prefix = events->items ? events->items->own_prefix : NULL;

	state->own_used = 0;
	if (prefix != NULL)
		state->own = alloc_grow(
			state->own, &state->own_room,
			state->rows.used + state->rows.count * strlen(prefix),
			1);
}

/* Append a part of a cell as a tag, unless it means nothing. */
static inline void append_part(const struct event_reader *events,
			       struct event_reader_thread *state,
			       const char *part, size_t length)
{
	if (events->rules.trim)
		utf8_trim(&part, &length);
	if (length == 0 ||
	    (events->rules.nulls.count > 0 &&
	     null_texts_mean(&events->rules.nulls, part, length)))
		return;
	append_tag(events, state, part, length, DECIMAL_ONE);
}

/* Append the tags of a cell: of the item that it names, or its own. */
static void append_tags(const struct event_reader *events,
			struct event_reader_thread *state, const char *text,
			size_t length)
{
	const struct item_tags *items = events->items;
	const char *part;
	size_t at = 0, size;

	if (items == NULL && events->separator == NULL) {
		append_part(events, state, text, length);
		return;
	}
	if (items == NULL) {
		while ((part = item_tags_next_part(text, length, &at,
						   events->separator, &size)) !=
		       NULL)
			append_part(events, state, part, size);
		return;
	}
	size_t item = string_table_find(&items->items, text, length);
	if (item == STRING_TABLE_NONE) {
		item_join_miss(&state->join, text, length,
			       state->block.sequence);
		append_own_tag(events, state, text, length);
		return;
	}
	state->join.found++;
	state->join.header = state->join.header || item == items->header;
	for (size_t i = items->begin[item]; i < items->begin[item + 1]; i++)
		append_tag(events, state,
			   string_table_text(&items->tags, items->tag[i]),
			   string_table_length(&items->tags, items->tag[i]),
			   has_weights(events) ? items->weight[i]
					       : DECIMAL_ONE);
}

/* The customer of a row: its name, or its pseudonym. */
static struct string_slice name_of(const struct event_reader *events,
				   struct event_reader_thread *state,
				   const struct csv_slice *slice)
{
	const char *text = state->rows.text + slice->begin;
	char *pseudonym;

	if (events->names == NULL || !events->names->has_key)
		return (struct string_slice){text, slice->length};
	pseudonym = state->pseudonyms + state->used_count * PSEUDONYM_SIZE;
	customer_names_hash(events->names, text, slice->length, pseudonym);
	return (struct string_slice){pseudonym, PSEUDONYM_SIZE};
}

static bool is_forgotten(const struct event_reader *events,
			 const struct event_reader_thread *state,
			 const struct csv_slice *slice)
{
	return events->names != NULL &&
	       customer_names_is_forgotten(events->names,
					   state->rows.text + slice->begin,
					   slice->length);
}

/* Collect the rows that have a tag. */
static void collect_rows(const struct event_reader *events,
			 struct event_reader_thread *state)
{
	const char *text = state->rows.text;
	size_t rows = state->rows.count;

	state->used = alloc_grow(state->used, &state->used_room, rows,
				 sizeof *state->used);
	state->users = alloc_grow(state->users, &state->user_room, rows,
				  sizeof *state->users);
	state->used_count = state->tag_count = 0;
	reserve_own_tags(events, state);
	if (events->names != NULL && events->names->has_key)
		state->pseudonyms =
			alloc_grow(state->pseudonyms, &state->pseudonym_room,
				   rows, PSEUDONYM_SIZE);
	uint64_t other = 0, forgotten = 0;
	for (size_t i = 0; i < rows; i++) {
		const struct csv_slice *slices =
			csv_row_field(&state->rows, &state->rows.rows[i], 0);
		size_t tags = state->tag_count;
		state->other = false;
		if (is_forgotten(events, state, &slices[COLUMN_USER])) {
			forgotten++;
			continue;
		}
		if (!events->half_by_tag &&
		    !in_half(events, state->rows.rows[i].hash)) {
			other++;
			continue;
		}
		append_tags(events, state, text + slices[COLUMN_TAG].begin,
			    slices[COLUMN_TAG].length);
		if (state->tag_count == tags) {
			other += state->other;
			continue;
		}
		state->users[state->used_count] =
			name_of(events, state, &slices[COLUMN_USER]);
		state->used[state->used_count++] =
			(struct used_row){state->values[i], state->tag_count};
	}
	state->rows_used += state->used_count;
	state->rows_other += other;
	state->rows_forgotten += forgotten;
	state->rows_untagged += rows - state->used_count - other - forgotten;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A tag that a cell names twice counts once; how many there are then. */
static size_t drop_duplicates(uint32_t *tags, size_t count)
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

/* An event's value for a tag: times the tag's weight.  It is in range: rows
 * are checked against the largest weight. */
static decimal weighted(decimal value, int64_t weight)
{
	decimal product = 0;

	(void)decimal_multiply(value, weight, &product);
	return product;
}

static void group_rows(const struct event_reader *events,
		       struct event_reader_thread *state, unsigned thread)
{
	struct group_by *groups = events->groups;

	collect_rows(events, state);
	state->user_indices =
		alloc_grow(state->user_indices, &state->user_index_room,
			   state->used_count, sizeof *state->user_indices);
	state->tag_indices =
		alloc_grow(state->tag_indices, &state->tag_index_room,
			   state->tag_count, sizeof *state->tag_indices);
	group_by_users(groups, thread, state->users, state->used_count,
		       state->user_indices);
	group_by_tags(groups, thread, state->tags, state->tag_count,
		      state->tag_indices);
	for (size_t i = 0, begin = 0; i < state->used_count; i++) {
		const struct used_row *row = &state->used[i];
		uint32_t *tags = state->tag_indices + begin;
		const int64_t *weights =
			has_weights(events) ? state->weights + begin : NULL;
		/* The tags of a catalogue's item are distinct. */
		size_t count =
			weights != NULL
				? row->end - begin
				: drop_duplicates(tags, row->end - begin);
		for (size_t tag = 0; tag < count; tag++)
			group_by_add(groups, thread, state->user_indices[i],
				     tags[tag],
				     weights != NULL ? weighted(row->value,
								weights[tag])
						     : row->value);
		begin = row->end;
	}
}

/* ------------------------------------------------------------------- threads
 */

/* Take blocks until there are no more, or memory is full. */
static void work(void *shared, size_t piece, unsigned thread)
{
	struct event_reader *events = shared;
	struct event_reader_thread *state = &events->states[piece];

	(void)thread;
	while (!group_by_full(events->groups, (unsigned)piece)) {
		if (!csv_reader_next(&events->source, &state->block)) {
			state->ended = true;
			return;
		}
		foreign_bytes_find(&state->foreign, &state->block);
		uint64_t before = state->rows_in;
		bool parsed = csv_reader_parse_block(
			&events->source, &state->block, &state->rows);
		if (parsed && state->block.sequence == 0 &&
		    state->rows.count > 0)
			row_filter_describe(events->rules.filter, &state->rows,
					    &state->rows.rows[0],
					    events->first_row);
		if (!parsed || !check_block(events, state))
			reject_rows(events, state, (unsigned)piece);
		progress_add(state->rows_in - before);
		if (state->block.sequence == 0 && state->rows.count > 0)
			events->alike =
				header_like_row(events->columns, &state->rows);
		group_rows(events, state, (unsigned)piece);
	}
}

void event_reader_run(struct event_reader *events)
{
	unsigned threads = events->groups->threads;
	bool ended = false;

	events->states = alloc(threads, sizeof *events->states);
	progress_begin("rows", 0);
	while (!ended) {
		thread_pool_run(threads, threads, work, events);
		ended = true;
		for (unsigned t = 0; t < threads; t++)
			ended = ended && events->states[t].ended;
		if (!ended)
			group_by_spill(events->groups);
	}
	progress_end();
	for (unsigned t = 0; t < threads; t++) {
		struct event_reader_thread *state = &events->states[t];
		events->rows_in += state->rows_in;
		events->rows_used += state->rows_used;
		events->rows_untagged += state->rows_untagged;
		events->rows_other += state->rows_other;
		events->rows_left_out += state->rows_left_out;
		events->rows_forgotten += state->rows_forgotten;
		row_observations_add(&events->observations,
				     &state->observations);
		foreign_bytes_merge(&events->foreign, &state->foreign);
		item_join_merge(&events->join, &state->join);
		free(state->own);
		free(state->pseudonyms);
		csv_block_free(&state->block);
		csv_rows_free(&state->rows);
		free(state->values);
		free(state->used);
		free(state->users);
		free(state->user_indices);
		free(state->tags);
		free(state->tag_indices);
		free(state->weights);
	}
	free(events->states);
}
