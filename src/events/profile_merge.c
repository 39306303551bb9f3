#include "events/profile_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "events/customer_sums.h"
#include "events/plain_merge.h"
#include "events/profile_reader.h"
#include "text/tsv.h"

/* Files that are open at a time; the limit of a process is 1024 on most
 * systems. */
enum { MAX_OPEN_FILES = 200 };

struct merging {
	struct run_writer *writer;
	struct spill_runs *run; /* what is written to; NULL: writer->output */
	struct customer_sums sums;
	unsigned threads;
	char *text; /* of the customer, then of its tags; escaped */
	size_t used, text_room;
	char *columns[4]; /* of the header; of the first file */
};

/* Add a text, escaped; its length then. */
static size_t add_text(struct merging *merging, const char *text, size_t length)
{
	size_t begin = merging->used;

	merging->text = alloc_grow(merging->text, &merging->text_room,
				   begin + 2 * length, 1);
	merging->used += tsv_escape(merging->text + begin, text, length);
	return merging->used - begin;
}

static void merge_customer(struct merging *merging,
			   const struct profile_reader *profiles)
{
	struct customer_sums *sums = &merging->sums;
	size_t user_length, end;

	merging->used = 0;
	user_length = add_text(merging, profiles->customer,
			       profiles->customer_length);
	for (size_t i = 0; i < profiles->count; i++) {
		const struct profile_entry *entry = &profiles->entries[i];
		size_t length = add_text(merging, profiles->texts + entry->tag,
					 entry->length);
		customer_sums_add(sums, &(struct customer_row){{NULL, length},
							       entry->events,
							       entry->value});
	}
	/* The texts no longer move. */
	end = user_length;
	for (size_t i = 0; i < sums->count; i++) {
		sums->rows[i].tag.text = merging->text + end;
		end += sums->rows[i].tag.length;
	}
	die_if(customer_sums_write(sums, merging->text, user_length));
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

static void write_bytes(void *context, const void *bytes, size_t size)
{
	struct merging *merging = context;

	if (merging->run != NULL)
		spill_runs_add(merging->run, bytes, size);
	else
		output_write(merging->writer->output, bytes, size);
}

/* Merge files that are open at the same time, into the writer; or, where there
 * are others, into a run. */
static void merge_files(struct merging *merging, char **paths, size_t count)
{
	struct output *output = merging->writer->output;
	struct profile_reader profiles;

	profile_reader_open(&profiles, paths, count);
	for (size_t i = 0; i < 4 && merging->columns[i] == NULL; i++)
		merging->columns[i] = alloc_text(
			profile_reader_column(&profiles, 0, i),
			strlen(profile_reader_column(&profiles, 0, i)));
	check_headers(&profiles, merging->columns);
	if (merging->run == NULL)
		write_header(output, merging->columns);
	plain_merge(&profiles, merging->threads, &merging->sums, write_bytes,
		    merging);
	while (profile_reader_next(&profiles)) {
		merge_customer(merging, &profiles);
		if (merging->run != NULL) {
			spill_runs_add(merging->run, output->buffer,
				       output->held);
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
	merging->writer = merging->sums.writer = &writer;
	merging->run = &runs;
	for (size_t i = 0; i < count; i += MAX_OPEN_FILES) {
		size_t some =
			count - i < MAX_OPEN_FILES ? count - i : MAX_OPEN_FILES;
		spill_runs_begin(&runs);
		merge_files(merging, paths + i, some);
		spill_runs_end(&runs);
	}
	free(output.buffer);
	merging->writer = merging->sums.writer = profile;
	write_header(profile->output, merging->columns);
	spill_runs_merge(&runs, profile, memory);
}

struct profile_merge_counts
profile_merge(char **paths, size_t count,
	      const struct profile_merge_options *options,
	      struct output *output)
{
	const char *prefix = options->prefix;
	struct run_writer writer = {.kind = RUN_WRITER_PROFILE,
				    .output = output,
				    .valued = true,
				    .prefix = prefix,
				    .prefix_length =
					    prefix ? strlen(prefix) : 0};
	struct merging merging = {
		.writer = &writer,
		.sums = {.writer = &writer, .names = options->names},
		.threads = options->threads};

	if (count > MAX_OPEN_FILES)
		merge_runs(&merging, paths, count, options->memory);
	else
		merge_files(&merging, paths, count);
	struct profile_merge_counts counts = {
		.written = {writer.users, merging.sums.tags.count,
			    writer.pairs},
		.lines = merging.sums.lines,
		.forgotten = merging.sums.forgotten};
	for (size_t i = 0; i < 4; i++)
		free(merging.columns[i]);
	customer_sums_free(&merging.sums);
	free(merging.text);
	return counts;
}
