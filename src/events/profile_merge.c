#include "events/profile_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/string_table.h"
#include "events/profile_reader.h"
#include "text/tsv.h"

/* Files that are open at a time; the limit of a process is 1024 on most
 * systems. */
enum { MAX_OPEN_FILES = 200 };

/* A row of the current customer. */
struct merged_row {
	size_t begin, length; /* of its tag, escaped, in merging.text */
	const char *tag;      /* text + begin */
	const struct profile_entry *entry;
};

struct merging {
	struct run_writer *writer;
	char *text; /* of the customer, then of its tags; escaped */
	size_t user_length, used, text_room;
	struct merged_row *rows;
	size_t room;
	struct string_table tags; /* all, to be counted */
	char *columns[4];         /* of the header; of the first file */
	uint64_t lines;
	const struct customer_names *names;
	uint64_t forgotten; /* rows of those who are left out */
};

static int by_tag(const void *a, const void *b)
{
	const struct merged_row *x = a, *y = b;

	return string_table_compare(x->tag, x->length, y->tag, y->length);
}

/* Add a text, escaped; where it begins. */
static size_t add_text(struct merging *merging, const char *text, size_t length)
{
	size_t begin = merging->used;

	merging->text = alloc_grow(merging->text, &merging->text_room,
				   begin + 2 * length, 1);
	merging->used += tsv_escape(merging->text + begin, text, length);
	return begin;
}

/* Collect the customer's name and rows, sorted by tag. */
static void collect_rows(struct merging *merging,
			 const struct profile_reader *profiles)
{
	struct merged_row *rows;

	merging->rows = alloc_grow(merging->rows, &merging->room,
				   profiles->count, sizeof *merging->rows);
	rows = merging->rows;
	merging->used = 0;
	add_text(merging, profiles->customer, profiles->customer_length);
	merging->user_length = merging->used;
	for (size_t i = 0; i < profiles->count; i++) {
		const struct profile_entry *entry = &profiles->entries[i];
		rows[i].entry = entry;
		rows[i].begin = add_text(merging, profiles->texts + entry->tag,
					 entry->length);
		rows[i].length = merging->used - rows[i].begin;
	}
	for (size_t i = 0; i < profiles->count; i++)
		rows[i].tag = merging->text + rows[i].begin;
	qsort(rows, profiles->count, sizeof *rows, by_tag);
}

static void merge_customer(struct merging *merging,
			   const struct profile_reader *profiles)
{
	collect_rows(merging, profiles);

	const struct merged_row *rows = merging->rows;
	merging->lines += profiles->count;
	if (customer_names_is_forgotten(merging->names, merging->text,
					merging->user_length)) {
		merging->forgotten += profiles->count;
		return;
	}
	run_writer_user(merging->writer, merging->text, merging->user_length);
	for (size_t i = 0, next; i < profiles->count; i = next) {
		uint64_t events = 0;
		decimal value = 0;
		for (next = i; next < profiles->count &&
			       by_tag(&rows[i], &rows[next]) == 0;
		     next++) {
			events += rows[next].entry->events;
			value += rows[next].entry->value;
		}
		string_table_add(&merging->tags, rows[i].tag, rows[i].length);
		run_writer_pair(merging->writer, rows[i].tag, rows[i].length,
				events, value);
	}
	run_writer_end_user(merging->writer);
}

static void check_headers(const struct profile_reader *profiles,
			  char *const columns[4])
{
	for (size_t file = 0; file < profiles->file_count; file++)
		for (size_t i = 0; i < 4; i++)
			if (strcmp(profile_reader_column(profiles, file, i),
				   columns[i]) != 0)
				die("%s: column %zu is %s, in the first file "
				    "%s: the headers must be equal",
				    profile_reader_name(profiles, file), i + 1,
				    profile_reader_column(profiles, file, i),
				    columns[i]);
}

static void write_header(struct output *output, char *const columns[4])
{
	for (size_t i = 0; i < 4; i++) {
		tsv_write_field(output, columns[i], strlen(columns[i]));
		output_text(output, i < 3 ? "\t" : "\n");
	}
}

/* Merge files that are open at the same time, into the writer; or, where there
 * are others, into a run. */
static void merge_files(struct merging *merging, char **paths, size_t count,
			struct spill_runs *run)
{
	struct output *output = merging->writer->output;
	struct profile_reader profiles;

	profile_reader_open(&profiles, paths, count);
	for (size_t i = 0; i < 4 && merging->columns[i] == NULL; i++)
		merging->columns[i] = alloc_text(
			profile_reader_column(&profiles, 0, i),
			strlen(profile_reader_column(&profiles, 0, i)));
	check_headers(&profiles, merging->columns);
	if (run == NULL)
		write_header(output, merging->columns);
	while (profile_reader_next(&profiles)) {
		merge_customer(merging, &profiles);
		if (run != NULL) {
			spill_runs_add(run, output->buffer, output->held);
			output->held = 0;
		}
	}
	profile_reader_close(&profiles);
}

/* Merge more files than may be open: each MAX_OPEN_FILES of them into a run,
 * then the runs. */
static void merge_runs(struct merging *merging, char **paths, size_t count,
		       size_t memory)
{
	struct run_writer *profile = merging->writer;
	struct output output;
	struct run_writer writer = {.kind = RUN_WRITER_RUN, .output = &output};
	struct spill_runs runs = {0};

	output_memory(&output);
	merging->writer = &writer;
	for (size_t i = 0; i < count; i += MAX_OPEN_FILES) {
		size_t some =
			count - i < MAX_OPEN_FILES ? count - i : MAX_OPEN_FILES;
		spill_runs_begin(&runs);
		merge_files(merging, paths + i, some, &runs);
		spill_runs_end(&runs);
	}
	free(output.buffer);
	merging->writer = profile;
	write_header(profile->output, merging->columns);
	spill_runs_merge(&runs, profile, memory);
}

struct group_by_counts profile_merge(char **paths, size_t count,
				     const char *prefix, size_t memory,
				     const struct customer_names *names,
				     struct output *output, uint64_t *lines,
				     uint64_t *forgotten)
{
	struct run_writer writer = {.kind = RUN_WRITER_PROFILE,
				    .output = output,
				    .valued = true,
				    .prefix = prefix,
				    .prefix_length =
					    prefix ? strlen(prefix) : 0};
	struct merging merging = {.writer = &writer, .names = names};

	if (count > MAX_OPEN_FILES)
		merge_runs(&merging, paths, count, memory);
	else
		merge_files(&merging, paths, count, NULL);
	struct group_by_counts counts = {writer.users, merging.tags.count,
					 writer.pairs};
	*lines = merging.lines;
	*forgotten = merging.forgotten;
	for (size_t i = 0; i < 4; i++)
		free(merging.columns[i]);
	free(merging.rows);
	string_table_free(&merging.tags);
	free(merging.text);
	return counts;
}
