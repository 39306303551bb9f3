#include "model/profile_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/ordered_work.h"
#include "base/progress.h"
#include "events/profile_lines.h"
#include "events/profile_reader.h"

_Static_assert(sizeof(struct stored_pair) == 16,
	       "pairs are written to files: without padding");

/* The index of a row's first pair and of its name's first byte; both end where
 * the next row's begin. */
struct row_bound {
	uint64_t pair, byte;
};

static void add_tag(struct profile_store *store, size_t file, const char *text,
		    size_t length)
{
	size_t count = store->tags.count;

	store->attribute =
		alloc_grow(store->attribute, &store->attribute_capacity, count,
			   sizeof *store->attribute);
	store->attribute[count - 1] =
		tag_prefixes_find(store->attributes, text, length) !=
		TAG_PREFIX_NONE;
	store->tag_file = alloc_grow(store->tag_file, &store->file_capacity,
				     count, sizeof *store->tag_file);
	store->tag_users = alloc_grow(store->tag_users, &store->user_capacity,
				      count, sizeof *store->tag_users);
	store->tag_file[count - 1] = (uint32_t)file;
	store->tag_users[count - 1] = 0;
}

/* The index of a tag of the file, added where it is new. */
static size_t find_tag(struct profile_store *store, size_t file,
		       const char *text, size_t length)
{
	size_t before = store->tags.count;
	size_t tag = string_table_add(&store->tags, text, length);

	if (tag == before)
		add_tag(store, file, text, length);
	return tag;
}

static void count_pair(struct profile_store *store, size_t tag, uint64_t events)
{
	store->compared_pairs += !store->attribute[tag];
	store->repeated_pairs +=
		!store->attribute[tag] && events > 1 && !store->weighted;
	store->tag_users[tag]++;
}

/* Set *pair, but for its tag; false where there are too many events for it. */
static bool make_pair(const struct profile_store *store, uint64_t events,
		      decimal sum, struct stored_pair *pair)
{
	bool counts = store->value == VALUE_AUTO;

	if (counts && events > UINT32_MAX)
		return false;
	*pair = (struct stored_pair){
		.events = counts ? (uint32_t)events : 0,
		.raw = weighting_value(counts ? VALUE_SUM : store->value,
				       events, sum)};
	return true;
}

/* Returns NULL or an error text. */
static const char *add_pair(struct profile_store *store,
			    const struct profile_reader *profiles,
			    const struct profile_entry *entry)
{
	const char *text = profiles->texts + entry->tag;
	size_t tag = find_tag(store, entry->file, text, entry->length);
	struct stored_pair pair;

	if (store->tag_file[tag] != entry->file)
		return profile_reader_error(
			profiles, entry,
			"tag %s stands in %s, too: to tell them apart, "
			"cs-aggregate --prefix STR",
			text,
			profile_reader_name(profiles, store->tag_file[tag]));
	if (!make_pair(store, entry->events, entry->value, &pair))
		return profile_reader_error(
			profiles, entry,
			"more than 2^32 - 1 events: give --value "
			"events, or sum");
	pair.tag = (uint32_t)tag;
	count_pair(store, tag, entry->events);
	tempfile_add(&store->pairs, &pair, sizeof pair);
	return NULL;
}

/* Where the next customer begins. */
static struct row_bound next_bound(const struct profile_store *store)
{
	return (struct row_bound){
		.pair = store->pairs.size / sizeof(struct stored_pair),
		.byte = store->users.size,
	};
}

static void add_bound(struct profile_store *store)
{
	const struct row_bound bound = next_bound(store);

	tempfile_add(&store->bounds, &bound, sizeof bound);
}

/* Returns NULL or an error text. */
static const char *add_customer(struct profile_store *store,
				const struct profile_reader *profiles)
{
	const char *error = NULL;

	for (size_t i = 0; i < profiles->count && error == NULL; i++)
		error = add_pair(store, profiles, &profiles->entries[i]);
	if (error != NULL)
		return error;
	tempfile_add(&store->users, profiles->customer,
		     profiles->customer_length);
	add_bound(store);
	store->n++;
	return NULL;
}

/* Show which share of the input is read, if known. */
static void note_share(const struct profile_reader *profiles)
{
	char note[32];
	double share = profile_reader_share(profiles);
	if (share < 0)
		return;
	snprintf(note, sizeof note, "%.0f %% read", 100 * share);
	progress_set_text(note);
}

/* Every 4096 customers. */
static void show_progress(const struct profile_reader *profiles,
			  size_t customers)
{
	progress_add(1);
	if (customers % 4096 == 0)
		note_share(profiles);
}

/* The customer read last. */
struct last_customer {
	char *name;
	size_t length, room;
};

static void set_last(struct last_customer *last, const char *name,
		     size_t length)
{
	last->name = alloc_grow(last->name, &last->room, length, 1);
	memcpy(last->name, name, length);
	last->length = length;
}

/* ------------------------------------------------------ on several threads */

/* Bytes that are read at a time, and of the pieces that threads parse. */
enum { BATCH = 1 << 22, PIECE = 1 << 18 };

/* What a thread makes of a piece. */
struct piece_thread {
	struct profile_lines lines;
	size_t size;       /* bytes of the piece */
	bool plain;        /* its lines were parsed */
	uint32_t *indices; /* in tags; of each pair */
	struct stored_pair *pairs;
	struct row_bound *ends; /* of each customer, from the piece's begin */
	char *names;            /* of the customers, one after the other */
	size_t name_bytes;
	size_t index_room, pair_room, end_room, name_room;
	/* All tags that the thread has seen, and their indices in the
	 * store: those of the first known_tags. */
	struct string_table tags;
	uint32_t *known;
	size_t known_tags, known_room;
};

/* Lines of whole customers, which threads parse in pieces. */
struct batch {
	struct profile_store *store;
	struct piece_thread *threads;
	const char *bytes;
	size_t size;
	/* Of the pieces that are in the store: */
	size_t done, lines;
	struct string_slice customer, tag; /* of the last line */
	bool stopped; /* a piece is for profile_reader_next */
};

/* Make the pairs and the names of the lines; false where a number of events is
 * too large for them. */
static bool make_rows(const struct profile_store *store,
		      struct piece_thread *state)
{
	const struct profile_lines *lines = &state->lines;

	state->pairs = alloc_grow(state->pairs, &state->pair_room, lines->pairs,
				  sizeof *state->pairs);
	state->ends = alloc_grow(state->ends, &state->end_room,
				 lines->customers, sizeof *state->ends);
	state->names =
		alloc_grow(state->names, &state->name_room, state->size, 1);
	for (size_t i = 0; i < lines->pairs; i++)
		if (!make_pair(store, lines->events[i], lines->values[i],
			       &state->pairs[i]))
			return false;
	state->name_bytes = 0;
	for (size_t i = 0; i < lines->customers; i++) {
		const struct string_slice *name = &lines->names[i];
		memcpy(state->names + state->name_bytes, name->text,
		       name->length);
		state->name_bytes += name->length;
		state->ends[i] =
			(struct row_bound){lines->ends[i], state->name_bytes};
	}
	return true;
}

static void parse_piece(void *shared, size_t piece, unsigned thread)
{
	const struct batch *batch = shared;
	struct piece_thread *state = &batch->threads[thread];
	struct profile_lines *lines = &state->lines;
	size_t begin = profile_lines_boundary(batch->bytes, batch->size,
					      piece * PIECE);

	state->size = profile_lines_boundary(batch->bytes, batch->size,
					     (piece + 1) * PIECE) -
		      begin;
	state->plain =
		profile_lines_parse(lines, batch->bytes + begin, state->size) &&
		make_rows(batch->store, state);
	if (!state->plain)
		return;
	state->indices = alloc_grow(state->indices, &state->index_room,
				    lines->pairs, sizeof *state->indices);
	string_table_add_all(&state->tags, lines->tags, lines->pairs,
			     state->indices);
}

/* Give the tags that the thread has first seen in this piece, and that the
 * store has not, the next indices there. */
static void add_tags(struct profile_store *store, struct piece_thread *state)
{
	size_t count = state->tags.count;

	state->known = alloc_grow(state->known, &state->known_room, count,
				  sizeof *state->known);
	for (; state->known_tags < count; state->known_tags++) {
		const char *text =
			string_table_text(&state->tags, state->known_tags);
		size_t length =
			string_table_length(&state->tags, state->known_tags);
		state->known[state->known_tags] =
			(uint32_t)find_tag(store, 0, text, length);
	}
}

/* Put a parsed piece into the store. */
static void store_piece(struct batch *batch, struct piece_thread *state)
{
	struct profile_store *store = batch->store;
	const struct profile_lines *lines = &state->lines;
	struct row_bound base = next_bound(store);

	add_tags(store, state);
	for (size_t i = 0; i < lines->pairs; i++) {
		struct stored_pair *pair = &state->pairs[i];
		pair->tag = state->known[state->indices[i]];
		count_pair(store, pair->tag, lines->events[i]);
	}
	for (size_t i = 0; i < lines->customers; i++) {
		state->ends[i].pair += base.pair;
		state->ends[i].byte += base.byte;
	}
	tempfile_add(&store->pairs, state->pairs,
		     lines->pairs * sizeof *state->pairs);
	tempfile_add(&store->users, state->names, state->name_bytes);
	tempfile_add(&store->bounds, state->ends,
		     lines->customers * sizeof *state->ends);
	store->n += lines->customers;
}

/* Take a piece in its turn, unless one before it was not taken. */
static void take_piece(void *shared, size_t piece, unsigned thread)
{
	struct batch *batch = shared;
	struct piece_thread *state = &batch->threads[thread];
	const struct profile_lines *lines = &state->lines;
	const struct string_slice *last = &batch->customer;

	(void)piece;
	if (batch->stopped || state->size == 0)
		return;
	batch->stopped = !state->plain ||
			 string_table_compare(last->text, last->length,
					      lines->names[0].text,
					      lines->names[0].length) >= 0;
	if (batch->stopped)
		return;
	store_piece(batch, state);
	batch->done += state->size;
	batch->lines += lines->pairs;
	batch->customer = lines->names[lines->customers - 1];
	batch->tag = lines->tags[lines->pairs - 1];
	progress_add(lines->customers);
}

static void free_threads(struct piece_thread *states, unsigned threads)
{
	for (unsigned t = 0; t < threads; t++) {
		profile_lines_free(&states[t].lines);
		string_table_free(&states[t].tags);
		free(states[t].indices);
		free(states[t].pairs);
		free(states[t].ends);
		free(states[t].names);
		free(states[t].known);
	}
	free(states);
}

/* Read the customers of one file whose lines are plain, up to the first that is
 * not; *last becomes a copy of its name. */
static void read_plain(struct profile_store *store,
		       struct profile_reader *profiles, unsigned threads,
		       struct last_customer *last)
{
	struct batch batch = {.store = store};
	bool all;

	batch.threads = alloc(threads, sizeof *batch.threads);
	while (!batch.stopped &&
	       (batch.size = profile_reader_lines(profiles, 0, BATCH,
						  &batch.bytes, &all)) > 0) {
		batch.done = batch.lines = 0;
		batch.customer =
			(struct string_slice){last->name, last->length};
		ordered_work_run(threads, (batch.size + PIECE - 1) / PIECE,
				 parse_piece, take_piece, &batch);
		if (batch.done == 0)
			break;
		set_last(last, batch.customer.text, batch.customer.length);
		profile_reader_skip(profiles, 0, batch.done, batch.lines,
				    &batch.customer, &batch.tag);
		note_share(profiles);
	}
	free_threads(batch.threads, threads);
}

/* ----------------------------------------------------------------- reading */

/* Returns NULL or an error text. */
static const char *read_customers(struct profile_store *store,
				  struct profile_reader *profiles,
				  unsigned threads)
{
	struct last_customer last = {0};
	const char *error = NULL;

	store->in_order = true;
	add_bound(store);
	progress_begin("customers", 0);
	if (profiles->file_count == 1)
		read_plain(store, profiles, threads, &last);
	while (error == NULL && profile_reader_next(profiles)) {
		if (string_table_compare(last.name, last.length,
					 profiles->customer,
					 profiles->customer_length) > 0)
			store->in_order = false;
		set_last(&last, profiles->customer, profiles->customer_length);
		error = add_customer(store, profiles);
		show_progress(profiles, store->n);
	}
	progress_end();
	free(last.name);
	return error;
}

enum value profile_store_choose(enum value asked, uint64_t pairs,
				uint64_t repeated, double *share)
{
	*share = pairs > 0 ? (double)repeated / (double)pairs : 0;
	if (asked != VALUE_AUTO)
		return asked;
	return *share >= PROFILE_STORE_MIN_REPEATED ? VALUE_EVENTS : VALUE_SUM;
}

/* Replace VALUE_AUTO. */
static void choose_value(struct profile_store *store)
{
	enum value asked = store->value;

	store->value =
		profile_store_choose(asked, store->compared_pairs,
				     store->repeated_pairs, &store->repeated);
	store->by_events = asked == VALUE_AUTO && store->value == VALUE_EVENTS;
}

double profile_store_raw(const struct profile_store *store,
			 const struct stored_pair *pair)
{
	return store->by_events ? (double)pair->events : pair->raw;
}

const char *profile_store_read(struct profile_store *store, char **paths,
			       size_t count,
			       const struct profile_store_options *options)
{
	struct profile_reader profiles;
	size_t eighth = options->memory / 8;
	const char *error;

	*store = (struct profile_store){.value = options->value,
					.attributes = options->attributes};
	profile_reader_open(&profiles, paths, count);
	store->weighted =
		strncmp(profile_reader_column(&profiles, 0, 3),
			PROFILE_WEIGHTED, strlen(PROFILE_WEIGHTED)) == 0;
	tempfile_begin(&store->pairs, eighth * 6);
	tempfile_begin(&store->users, eighth);
	tempfile_begin(&store->bounds, eighth);
	error = read_customers(store, &profiles, options->threads);
	if (error == NULL && store->n == 0 && !options->may_be_empty)
		error = error_text("%s: a header alone: a matrix without "
				   "entries cannot be made",
				   profile_reader_name(&profiles, 0));
	for (int i = 0; i < 4; i++)
		store->columns[i] = alloc_text(
			profile_reader_column(&profiles, 0, i),
			strlen(profile_reader_column(&profiles, 0, i)));
	profile_reader_close(&profiles);
	store->bound = tempfile_bytes(&store->bounds);
	if (error == NULL)
		choose_value(store);
	return error;
}

const struct stored_pair *profile_store_row(struct profile_store *store,
					    size_t row, size_t *count)
{
	const struct row_bound *bound = &store->bound[row];
	const struct stored_pair *pairs = tempfile_bytes(&store->pairs);

	*count = bound[1].pair - bound[0].pair;
	return pairs + bound[0].pair;
}

void profile_store_map(struct profile_store *store)
{
	tempfile_bytes(&store->pairs);
	tempfile_bytes(&store->users);
}

const char *profile_store_name(struct profile_store *store, size_t row,
			       size_t *length)
{
	const struct row_bound *bound = &store->bound[row];
	const char *bytes = tempfile_bytes(&store->users);

	*length = bound[1].byte - bound[0].byte;
	return bytes + bound[0].byte;
}

void profile_store_free(struct profile_store *store)
{
	for (int i = 0; i < 4; i++)
		free(store->columns[i]);
	string_table_free(&store->tags);
	free(store->tag_file);
	free(store->tag_users);
	free(store->attribute);
	tempfile_end(&store->pairs);
	tempfile_end(&store->users);
	tempfile_end(&store->bounds);
	*store = (struct profile_store){0};
}
