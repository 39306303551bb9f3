#include "model/matrix_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "events/profile_reader.h"
#include "base/progress.h"

const double builder_repeated_least = 0.05;

/* Where a row's pairs, and the bytes of its name, begin; they end where the
 * next row's begin. */
struct bound {
	uint64_t pair, byte;
};

static void add_tag(struct matrix_builder *gather, size_t file)
{
	size_t count = gather->tags.count;

	gather->tag_file = alloc_grow(gather->tag_file, &gather->file_room,
				      count, sizeof *gather->tag_file);
	gather->tag_users = alloc_grow(gather->tag_users, &gather->user_room,
				       count, sizeof *gather->tag_users);
	gather->tag_file[count - 1] = (uint32_t)file;
	gather->tag_users[count - 1] = 0;
}

static void add_pair(struct matrix_builder *gather,
		     const struct profile_reader *profiles,
		     const struct profile_entry *entry)
{
	const char *text = profiles->texts + entry->tag;
	size_t before = gather->tags.count;
	size_t tag = string_table_add(&gather->tags, text, entry->length);
	struct builder_pair pair;

	if (tag == before)
		add_tag(gather, entry->file);
	else if (gather->tag_file[tag] != entry->file)
		profile_reader_die(
			profiles, entry,
			"tag %s stands in %s, too: to tell them apart, "
			"cs-aggregate --prefix STR",
			text,
			profile_reader_name(profiles, gather->tag_file[tag]));
	memset(&pair, 0, sizeof pair);
	pair.tag = (uint32_t)tag;
	pair.raw = weighting_value(gather->value == VALUE_AUTO ? VALUE_SUM
							       : gather->value,
				   entry->events, entry->value);
	if (gather->value == VALUE_AUTO) {
		if (entry->events > UINT32_MAX)
			profile_reader_die(profiles, entry,
					   "more than 2^32 - 1 events: give "
					   "--value events, or sum");
		pair.events = (uint32_t)entry->events;
	}
	gather->repeating += entry->events > 1;
	gather->tag_users[tag]++;
	tempfile_add(&gather->pairs, &pair, sizeof pair);
}

static void add_bound(struct matrix_builder *gather)
{
	const struct bound bound = {
		.pair = gather->pairs.size / sizeof(struct builder_pair),
		.byte = gather->users.size,
	};

	tempfile_add(&gather->bounds, &bound, sizeof bound);
}

static void add_customer(struct matrix_builder *gather,
			 const struct profile_reader *profiles)
{
	for (size_t i = 0; i < profiles->count; i++)
		add_pair(gather, profiles, &profiles->entries[i]);
	tempfile_add(&gather->users, profiles->customer,
		     profiles->customer_length);
	add_bound(gather);
	gather->n++;
}

/* Say now and then how much of the input is read, where that is known. */
static void tell(const struct profile_reader *profiles, size_t customers)
{
	char note[32];

	progress_add(1);
	if (customers % 4096 != 0)
		return;
	double share = profile_reader_share(profiles);
	if (share < 0)
		return;
	snprintf(note, sizeof note, "%.0f %% read", 100 * share);
	progress_note(note);
}

static void read_customers(struct matrix_builder *gather,
			   struct profile_reader *profiles)
{
	char *last = NULL;
	size_t length = 0, room = 0;

	gather->in_order = true;
	add_bound(gather);
	progress_begin("customers", 0);
	while (profile_reader_next(profiles)) {
		if (string_table_compare(last, length, profiles->customer,
					 profiles->customer_length) > 0)
			gather->in_order = false;
		length = profiles->customer_length;
		last = alloc_grow(last, &room, length, 1);
		memcpy(last, profiles->customer, length);
		add_customer(gather, profiles);
		tell(profiles, gather->n);
	}
	progress_end();
	free(last);
}

/* Choose for VALUE_AUTO: numbers of events where they say something. */
static void choose_value(struct matrix_builder *gather)
{
	size_t pairs = gather->pairs.size / sizeof(struct builder_pair);

	gather->repeated = (double)gather->repeating / (double)pairs;
	gather->by_events = gather->value == VALUE_AUTO &&
			    gather->repeated >= builder_repeated_least;
	if (gather->value == VALUE_AUTO)
		gather->value = gather->by_events ? VALUE_EVENTS : VALUE_SUM;
}

double matrix_builder_raw(const struct matrix_builder *gather,
			  const struct builder_pair *pair)
{
	return gather->by_events ? (double)pair->events : pair->raw;
}

void matrix_builder_read(struct matrix_builder *gather, char **paths,
			 size_t count, enum value value, size_t memory)
{
	struct profile_reader profiles;

	*gather = (struct matrix_builder){.value = value};
	profile_reader_open(&profiles, paths, count);
	tempfile_begin(&gather->pairs, memory / 8 * 6);
	tempfile_begin(&gather->users, memory / 8);
	tempfile_begin(&gather->bounds, memory / 8);
	read_customers(gather, &profiles);
	if (gather->n == 0)
		die("%s: a header alone: a matrix without entries cannot be "
		    "made",
		    profile_reader_name(&profiles, 0));
	for (int i = 0; i < 4; i++)
		gather->columns[i] = alloc_text(
			profile_reader_column(&profiles, 0, i),
			strlen(profile_reader_column(&profiles, 0, i)));
	profile_reader_close(&profiles);
	gather->bound = tempfile_bytes(&gather->bounds);
	choose_value(gather);
}

const struct builder_pair *matrix_builder_row(struct matrix_builder *gather,
					      size_t row, size_t *count)
{
	const struct bound *bound = &gather->bound[row];
	const struct builder_pair *pairs = tempfile_bytes(&gather->pairs);

	*count = bound[1].pair - bound[0].pair;
	return pairs + bound[0].pair;
}

const char *matrix_builder_name(struct matrix_builder *gather, size_t row,
				size_t *length)
{
	const struct bound *bound = &gather->bound[row];
	const char *bytes = tempfile_bytes(&gather->users);

	*length = bound[1].byte - bound[0].byte;
	return bytes + bound[0].byte;
}

void matrix_builder_free(struct matrix_builder *gather)
{
	for (int i = 0; i < 4; i++)
		free(gather->columns[i]);
	string_table_free(&gather->tags);
	free(gather->tag_file);
	free(gather->tag_users);
	tempfile_end(&gather->pairs);
	tempfile_end(&gather->users);
	tempfile_end(&gather->bounds);
	*gather = (struct matrix_builder){0};
}
