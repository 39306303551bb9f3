#include "model/profile_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "events/profile_reader.h"
#include "base/progress.h"

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

static void add_pair(struct profile_store *store,
		     const struct profile_reader *profiles,
		     const struct profile_entry *entry)
{
	const char *text = profiles->texts + entry->tag;
	size_t before = store->tags.count;
	size_t tag = string_table_add(&store->tags, text, entry->length);
	struct stored_pair pair;

	if (tag == before)
		add_tag(store, entry->file, text, entry->length);
	else if (store->tag_file[tag] != entry->file)
		profile_reader_die(
			profiles, entry,
			"tag %s stands in %s, too: to tell them apart, "
			"cs-aggregate --prefix STR",
			text,
			profile_reader_name(profiles, store->tag_file[tag]));
	/* The padding is written to a file, too: it must be initialized. */
	memset(&pair, 0, sizeof pair);
	pair.tag = (uint32_t)tag;
	pair.raw = weighting_value(store->value == VALUE_AUTO ? VALUE_SUM
							      : store->value,
				   entry->events, entry->value);
	if (store->value == VALUE_AUTO) {
		if (entry->events > UINT32_MAX)
			profile_reader_die(profiles, entry,
					   "more than 2^32 - 1 events: give "
					   "--value events, or sum");
		pair.events = (uint32_t)entry->events;
	}
	store->compared_pairs += !store->attribute[tag];
	store->repeated_pairs +=
		!store->attribute[tag] && entry->events > 1 && !store->weighted;
	store->tag_users[tag]++;
	tempfile_add(&store->pairs, &pair, sizeof pair);
}

static void add_bound(struct profile_store *store)
{
	const struct row_bound bound = {
		.pair = store->pairs.size / sizeof(struct stored_pair),
		.byte = store->users.size,
	};

	tempfile_add(&store->bounds, &bound, sizeof bound);
}

static void add_customer(struct profile_store *store,
			 const struct profile_reader *profiles)
{
	for (size_t i = 0; i < profiles->count; i++)
		add_pair(store, profiles, &profiles->entries[i]);
	tempfile_add(&store->users, profiles->customer,
		     profiles->customer_length);
	add_bound(store);
	store->n++;
}

/* Show every 4096 customers which share of the input is read, if known. */
static void show_progress(const struct profile_reader *profiles,
			  size_t customers)
{
	char note[32];

	progress_add(1);
	if (customers % 4096 != 0)
		return;
	double share = profile_reader_share(profiles);
	if (share < 0)
		return;
	snprintf(note, sizeof note, "%.0f %% read", 100 * share);
	progress_set_text(note);
}

static void read_customers(struct profile_store *store,
			   struct profile_reader *profiles)
{
	char *last = NULL;
	size_t length = 0, capacity = 0;

	store->in_order = true;
	add_bound(store);
	progress_begin("customers", 0);
	while (profile_reader_next(profiles)) {
		if (string_table_compare(last, length, profiles->customer,
					 profiles->customer_length) > 0)
			store->in_order = false;
		length = profiles->customer_length;
		last = alloc_grow(last, &capacity, length, 1);
		memcpy(last, profiles->customer, length);
		add_customer(store, profiles);
		show_progress(profiles, store->n);
	}
	progress_end();
	free(last);
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
			       size_t count, enum value value,
			       const struct tag_prefixes *attributes,
			       size_t memory, bool may_be_empty)
{
	struct profile_reader profiles;
	const char *error = NULL;

	*store = (struct profile_store){.value = value,
					.attributes = attributes};
	profile_reader_open(&profiles, paths, count);
	store->weighted =
		strncmp(profile_reader_column(&profiles, 0, 3),
			PROFILE_WEIGHTED, strlen(PROFILE_WEIGHTED)) == 0;
	tempfile_begin(&store->pairs, memory / 8 * 6);
	tempfile_begin(&store->users, memory / 8);
	tempfile_begin(&store->bounds, memory / 8);
	read_customers(store, &profiles);
	if (store->n == 0 && !may_be_empty)
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
