#include "model/tally_merge.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/ordered_work.h"

/* A sum that grows; its tags are in the order of sum->names until the end. */
struct merging {
	struct tally *sum;
	const char *first; /* the first file's name */
	size_t room;       /* tags that the arrays have room for */
};

/* An array of count items with zeros up to room. */
static void *grow(void *array, size_t count, size_t room, size_t size)
{
	char *grown = alloc_resize(array, room, size);

	memset(grown + count * size, 0, (room - count) * size);
	return grown;
}

static void make_room(struct merging *merging)
{
	struct tag_tally *counts = &merging->sum->counts;
	size_t old = merging->room, room = old > 0 ? 2 * old : 1024;

	merging->room = room;
	merging->sum->file =
		grow(merging->sum->file, old, room, sizeof *merging->sum->file);
	counts->users = grow(counts->users, old, room, sizeof *counts->users);
	counts->active = grow(counts->active, old > 0 ? old + 1 : 0, room + 1,
			      sizeof *counts->active);
	counts->tenths = grow(counts->tenths, old * TENTHS, room * TENTHS,
			      sizeof *counts->tenths);
	counts->squares =
		grow(counts->squares, old, room, sizeof *counts->squares);
}

/* Which parts a tally of a later round has of its own, and not of the tally it
 * was made with. */
static bool is_new(const struct tally *one, enum tally_stage part)
{
	return json_object_get(one->metadata, "tally.as") == NULL ||
	       part == one->stage;
}

/* The index of a tag in the sum, or an error text. */
static const char *add_tag(struct merging *merging, const struct tally *one,
			   size_t i, size_t *index)
{
	struct tally *sum = merging->sum;
	const struct string_slice *tag = &one->tags[i];

	*index = string_table_add(&sum->names, tag->text, tag->length);
	while (sum->names.count > merging->room)
		make_room(merging);
	if (*index == sum->m) {
		sum->m++;
		sum->file[*index] = one->file[i];
	} else if (sum->file[*index] != one->file[i]) {
		return error_text("%s: tag %.*s stands in file %d of those "
				  "side by side, in %s in file %d",
				  one->input.name,
				  (int)(tag->length < 200 ? tag->length : 200),
				  tag->text, one->file[i] + 1, merging->first,
				  sum->file[*index] + 1);
	}
	return NULL;
}

/* Add the counts of a tag; all: what is not new, too. */
static void add_tag_counts(struct tally *sum, size_t index,
			   const struct tally *one, size_t i, bool all)
{
	const struct tag_tally *from = &one->counts;
	struct tag_tally *to = &sum->counts;

	if (all || is_new(one, TALLY_COUNTS))
		to->users[index] += from->users[i];
	if (from->squares != NULL && (all || is_new(one, TALLY_COUNTS)))
		exact_sum_merge(&to->squares[index], &from->squares[i]);
	for (size_t t = 0; t < TENTHS; t++)
		to->tenths[index * TENTHS + t] += from->tenths[i * TENTHS + t];
}

static void add_totals(struct tally *sum, const struct tally *one, bool all)
{
	for (int i = 0; i < TALLY_TOTALS; i++) {
		bool new = i == TALLY_READ      ? true
			   : i == TALLY_STAYING ? is_new(one, TALLY_COUNTS)
						: is_new(one, TALLY_TAGS);
		if (all || new)
			sum->totals[i] += one->totals[i];
	}
	sum->counts.customers = sum->totals[TALLY_STAYING];
	for (size_t i = 0; i <= one->m && (all || is_new(one, TALLY_COUNTS));
	     i++)
		sum->counts.active[i] += one->counts.active[i];
	for (size_t t = 0; t < TENTHS; t++)
		sum->counts.tenth_size[t] += one->counts.tenth_size[t];
}

static const char *add(struct merging *merging, const struct tally *one,
		       bool all)
{
	struct tally *sum = merging->sum;
	const char *error = NULL;
	size_t index;

	for (size_t i = 0; i < one->m && error == NULL; i++) {
		error = add_tag(merging, one, i, &index);
		if (error == NULL)
			add_tag_counts(sum, index, one, i, all);
	}
	if (error == NULL)
		add_totals(sum, one, all);
	return error;
}

/* The first option that is not the same in both, or NULL. */
static const char *other_option(json_t *a, json_t *b)
{
	const char *key;
	json_t *value;

	json_object_foreach(a, key, value)
	{
		if (!json_equal(value, json_object_get(b, key)))
			return key;
	}
	return NULL;
}

static const char *check_options(const struct merging *merging,
				 const struct tally *one)
{
	const char *key = other_option(merging->sum->metadata, one->metadata);

	if (key == NULL)
		key = other_option(one->metadata, merging->sum->metadata);
	if (key == NULL)
		return NULL;
	return error_text("%s: its %s is not that of %s: all must be of one "
			  "round, and made with the same options",
			  one->input.name, key, merging->first);
}

/* Put the tags into the order of their names. */
static void sort_tags(struct tally *sum)
{
	size_t m = sum->m;
	uint32_t *rank = alloc(m, sizeof *rank);
	struct tally sorted = *sum;

	tag_tally_begin(&sorted.counts, m, true);
	sorted.counts.customers = sum->counts.customers;
	memcpy(sorted.counts.tenth_size, sum->counts.tenth_size,
	       sizeof sorted.counts.tenth_size);
	memcpy(sorted.counts.active, sum->counts.active,
	       (m + 1) * sizeof *sorted.counts.active);
	sorted.tags = alloc(m, sizeof *sorted.tags);
	sorted.file = alloc(m, sizeof *sorted.file);
	string_table_rank(&sum->names, rank);
	for (size_t i = 0; i < m; i++) {
		size_t to = rank[i];
		sorted.tags[to].text = string_table_text(&sum->names, i);
		sorted.tags[to].length = string_table_length(&sum->names, i);
		sorted.file[to] = sum->file[i];
		sorted.counts.users[to] = sum->counts.users[i];
		sorted.counts.squares[to] = sum->counts.squares[i];
		memcpy(sorted.counts.tenths + to * TENTHS,
		       sum->counts.tenths + i * TENTHS,
		       TENTHS * sizeof *sum->counts.tenths);
	}
	free(rank);
	free(sum->file);
	tag_tally_free(&sum->counts);
	*sum = sorted;
}

/* A file, opened by a thread, which then adds it. */
struct opened_tally {
	struct tally tally;
	const char *error; /* of opening it, or NULL */
};

/* The files of a merge: opened side by side, added in their order. */
struct tally_files {
	char *const *paths;
	struct opened_tally *opened; /* one for each thread */
	struct merging merging;
	bool squares;       /* a file has them */
	char *error;        /* the first; to be freed */
	atomic_bool failed; /* there is one: no more is opened */
};

static void fail(struct tally_files *files, const char *error)
{
	if (files->failed)
		return;
	files->error = alloc_text(error, strlen(error));
	files->failed = true;
}

static void open_file(void *shared, size_t i, unsigned thread)
{
	struct tally_files *files = shared;
	struct opened_tally *one = &files->opened[thread];

	*one = (struct opened_tally){0};
	if (!files->failed)
		one->error = tally_open(&one->tally, files->paths[i]);
}

/* Add an open file to the sum. */
static const char *add_opened(struct tally_files *files, size_t i,
			      const struct tally *one)
{
	struct tally *sum = files->merging.sum;
	const char *error = NULL;

	if (i == 0) {
		sum->stage = one->stage;
		sum->metadata = alloc_check(json_deep_copy(one->metadata));
	} else {
		error = check_options(&files->merging, one);
	}
	files->squares = files->squares || one->counts.squares != NULL;
	return error != NULL ? error : add(&files->merging, one, i == 0);
}

static void take_file(void *shared, size_t i, unsigned thread)
{
	struct tally_files *files = shared;
	struct opened_tally *one = &files->opened[thread];
	const char *error = NULL;

	if (one->error != NULL)
		error = error_text("%s: %s", files->paths[i], one->error);
	else if (!files->failed)
		error = add_opened(files, i, &one->tally);
	if (error != NULL)
		fail(files, error);
	tally_close(&one->tally);
}

const char *tally_merge(struct tally *sum, char *const *paths, size_t count,
			unsigned threads)
{
	struct tally_files files = {.paths = paths,
				    .merging = {.sum = sum, .first = paths[0]}};
	const char *error = NULL;

	*sum = (struct tally){0};
	make_room(&files.merging);
	files.opened = alloc(threads, sizeof *files.opened);
	ordered_work_run(threads, count, open_file, take_file, &files);
	free(files.opened);
	if (files.failed)
		error = error_text("%s", files.error);
	free(files.error);
	if (error != NULL)
		return error;
	sort_tags(sum);
	if (!files.squares) {
		free(sum->counts.squares);
		sum->counts.squares = NULL;
	}
	return NULL;
}
