#include "events/profile_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/string_table.h"
#include "events/profile_reader.h"
#include "text/tsv.h"

/* Files that are open at a time; a process may have 1,024 on most systems. */
enum { AT_ONCE = 200 };

/* A tag of the current customer, escaped. */
struct contribution {
	size_t begin, length; /* in combining.text */
	const char *tag;      /* there */
	const struct profile_entry *entry;
};

struct combining {
	struct run_writer *sink;
	char *text; /* of the customer, then of its tags; escaped */
	size_t user_length, used, text_room;
	struct contribution *parts;
	size_t room;
	struct string_table tags; /* all, to be counted */
	char *columns[4];         /* of the header; of the first file */
	uint64_t lines;
};

static int by_tag(const void *a, const void *b)
{
	const struct contribution *x = a, *y = b;

	return string_table_compare(x->tag, x->length, y->tag, y->length);
}

/* Add a text, escaped; where it begins. */
static size_t add_text(struct combining *combining, const char *text,
		       size_t length)
{
	size_t begin = combining->used;

	combining->text = alloc_grow(combining->text, &combining->text_room,
				     begin + 2 * length, 1);
	combining->used += tsv_escape(combining->text + begin, text, length);
	return begin;
}

/* The customer's name and the entries' tags, these in order. */
static void take_parts(struct combining *combining,
		       const struct profile_reader *profiles)
{
	struct contribution *parts;

	combining->parts =
		alloc_grow(combining->parts, &combining->room, profiles->count,
			   sizeof *combining->parts);
	parts = combining->parts;
	combining->used = 0;
	add_text(combining, profiles->customer, profiles->customer_length);
	combining->user_length = combining->used;
	for (size_t i = 0; i < profiles->count; i++) {
		const struct profile_entry *entry = &profiles->entries[i];
		parts[i].entry = entry;
		parts[i].begin = add_text(
			combining, profiles->texts + entry->tag, entry->length);
		parts[i].length = combining->used - parts[i].begin;
	}
	for (size_t i = 0; i < profiles->count; i++)
		parts[i].tag = combining->text + parts[i].begin;
	qsort(parts, profiles->count, sizeof *parts, by_tag);
}

static void take_customer(struct combining *combining,
			  const struct profile_reader *profiles)
{
	take_parts(combining, profiles);

	const struct contribution *parts = combining->parts;
	run_writer_user(combining->sink, combining->text,
			combining->user_length);
	for (size_t i = 0, next; i < profiles->count; i = next) {
		uint64_t events = 0;
		decimal value = 0;
		for (next = i; next < profiles->count &&
			       by_tag(&parts[i], &parts[next]) == 0;
		     next++) {
			events += parts[next].entry->events;
			value += parts[next].entry->value;
		}
		string_table_add(&combining->tags, parts[i].tag,
				 parts[i].length);
		run_writer_pair(combining->sink, parts[i].tag, parts[i].length,
				events, value);
	}
	run_writer_end_user(combining->sink);
	combining->lines += profiles->count;
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

/* Merge files that are open at once, into the sink; or, where they are but
 * some of all, into a run. */
static void combine_some(struct combining *combining, char **paths,
			 size_t count, struct spill_runs *run)
{
	struct output *output = combining->sink->output;
	struct profile_reader profiles;

	profile_reader_open(&profiles, paths, count);
	for (size_t i = 0; i < 4 && combining->columns[i] == NULL; i++)
		combining->columns[i] = alloc_text(
			profile_reader_column(&profiles, 0, i),
			strlen(profile_reader_column(&profiles, 0, i)));
	check_headers(&profiles, combining->columns);
	if (run == NULL)
		write_header(output, combining->columns);
	while (profile_reader_next(&profiles)) {
		take_customer(combining, &profiles);
		if (run != NULL) {
			spill_runs_add(run, output->buffer, output->held);
			output->held = 0;
		}
	}
	profile_reader_close(&profiles);
}

/* More files than may be open: each so many become a run. */
static void combine_runs(struct combining *combining, char **paths,
			 size_t count, size_t memory)
{
	struct run_writer *profile = combining->sink;
	struct output output;
	struct run_writer sink = {.kind = RUN_WRITER_RUN, .output = &output};
	struct spill_runs runs = {0};

	output_memory(&output);
	combining->sink = &sink;
	for (size_t i = 0; i < count; i += AT_ONCE) {
		size_t some = count - i < AT_ONCE ? count - i : AT_ONCE;
		spill_runs_begin(&runs);
		combine_some(combining, paths + i, some, &runs);
		spill_runs_end(&runs);
	}
	free(output.buffer);
	combining->sink = profile;
	write_header(profile->output, combining->columns);
	spill_runs_merge(&runs, profile, memory);
}

struct group_by_counts profile_merge(char **paths, size_t count,
				     const char *prefix, size_t memory,
				     struct output *output, uint64_t *lines)
{
	struct run_writer sink = {.kind = RUN_WRITER_PROFILE,
				  .output = output,
				  .valued = true,
				  .prefix = prefix,
				  .prefix_length = prefix ? strlen(prefix) : 0};
	struct combining combining = {.sink = &sink};

	if (count > AT_ONCE)
		combine_runs(&combining, paths, count, memory);
	else
		combine_some(&combining, paths, count, NULL);
	struct group_by_counts counts = {sink.users, combining.tags.count,
					 sink.pairs};
	*lines = combining.lines;
	for (size_t i = 0; i < 4; i++)
		free(combining.columns[i]);
	free(combining.parts);
	string_table_free(&combining.tags);
	free(combining.text);
	return counts;
}
