#include "model/matrix_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "events/profile_reader.h"
#include "base/progress.h"

/* Where a row's pairs, and the bytes of its name, begin; they end where the
 * next row's begin. */
struct bound {
	uint64_t pair, byte;
};

static void add_tag(struct gather *gather, size_t file)
{
	size_t count = gather->tags.count;

	gather->tag_file = alloc_grow(gather->tag_file, &gather->file_room,
				      count, sizeof *gather->tag_file);
	gather->tag_users = alloc_grow(gather->tag_users, &gather->user_room,
				       count, sizeof *gather->tag_users);
	gather->tag_file[count - 1] = (uint32_t)file;
	gather->tag_users[count - 1] = 0;
}

static void add_pair(struct gather *gather, const struct profiles *profiles,
		     const struct entry *entry, enum value value)
{
	const char *text = profiles->texts + entry->tag;
	size_t before = gather->tags.count;
	size_t tag = names_add(&gather->tags, text, entry->length);
	struct pair pair;

	if (tag == before)
		add_tag(gather, entry->file);
	else if (gather->tag_file[tag] != entry->file)
		profiles_die(profiles, entry,
			     "tag %s stands in %s, too: to tell them apart, "
			     "cs-aggregate --prefix STR",
			     text,
			     profiles_name(profiles, gather->tag_file[tag]));
	/* Its padding is written, too. */
	memset(&pair, 0, sizeof pair);
	pair.tag = (uint32_t)tag;
	pair.raw = weigh_value(value, entry->events, entry->value);
	gather->tag_users[tag]++;
	scratch_add(&gather->pairs, &pair, sizeof pair);
}

static void add_bound(struct gather *gather)
{
	const struct bound bound = {
		.pair = gather->pairs.size / sizeof(struct pair),
		.byte = gather->users.size,
	};

	scratch_add(&gather->bounds, &bound, sizeof bound);
}

static void add_customer(struct gather *gather, const struct profiles *profiles,
			 enum value value)
{
	for (size_t i = 0; i < profiles->count; i++)
		add_pair(gather, profiles, &profiles->entries[i], value);
	scratch_add(&gather->users, profiles->customer,
		    profiles->customer_length);
	add_bound(gather);
	gather->n++;
}

/* Say now and then how much of the input is read, where that is known. */
static void tell(const struct profiles *profiles, size_t customers)
{
	char note[32];

	progress_add(1);
	if (customers % 4096 != 0)
		return;
	double share = profiles_share(profiles);
	if (share < 0)
		return;
	snprintf(note, sizeof note, "%.0f %% read", 100 * share);
	progress_note(note);
}

static void read_customers(struct gather *gather, struct profiles *profiles,
			   enum value value)
{
	char *last = NULL;
	size_t length = 0, room = 0;

	gather->in_order = true;
	add_bound(gather);
	progress_begin("customers", 0);
	while (profiles_next(profiles)) {
		if (names_compare(last, length, profiles->customer,
				  profiles->customer_length) > 0)
			gather->in_order = false;
		length = profiles->customer_length;
		last = alloc_grow(last, &room, length, 1);
		memcpy(last, profiles->customer, length);
		add_customer(gather, profiles, value);
		tell(profiles, gather->n);
	}
	progress_end();
	free(last);
}

void gather_read(struct gather *gather, char **paths, size_t count,
		 enum value value, size_t memory)
{
	struct profiles profiles;

	*gather = (struct gather){0};
	profiles_open(&profiles, paths, count);
	scratch_begin(&gather->pairs, memory / 8 * 6);
	scratch_begin(&gather->users, memory / 8);
	scratch_begin(&gather->bounds, memory / 8);
	read_customers(gather, &profiles, value);
	if (gather->n == 0)
		die("%s: a header alone: a matrix without entries cannot be "
		    "made",
		    profiles_name(&profiles, 0));
	for (int i = 0; i < 4; i++)
		gather->columns[i] =
			alloc_text(profiles_column(&profiles, 0, i),
				   strlen(profiles_column(&profiles, 0, i)));
	profiles_close(&profiles);
	gather->bound = scratch_bytes(&gather->bounds);
}

const struct pair *gather_row(struct gather *gather, size_t row, size_t *count)
{
	const struct bound *bound = &gather->bound[row];
	const struct pair *pairs = scratch_bytes(&gather->pairs);

	*count = bound[1].pair - bound[0].pair;
	return pairs + bound[0].pair;
}

const char *gather_name(struct gather *gather, size_t row, size_t *length)
{
	const struct bound *bound = &gather->bound[row];
	const char *bytes = scratch_bytes(&gather->users);

	*length = bound[1].byte - bound[0].byte;
	return bytes + bound[0].byte;
}

void gather_free(struct gather *gather)
{
	for (int i = 0; i < 4; i++)
		free(gather->columns[i]);
	names_free(&gather->tags);
	free(gather->tag_file);
	free(gather->tag_users);
	scratch_end(&gather->pairs);
	scratch_end(&gather->users);
	scratch_end(&gather->bounds);
	*gather = (struct gather){0};
}
