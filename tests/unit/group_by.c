/* group_by: the lines are those of sums by definition, for any threads and any
 * memory, in the order of their text, with values of 128 bits. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "events/group_by.h"

enum { EVENTS = 60000, USERS = 700, TAGS = 90, BATCH = 100, NAME = 16 };

/* Sums by definition. */
static struct {
	uint64_t events;
	decimal value;
} sums[USERS][TAGS];

static char users[USERS][NAME], tags[TAGS][NAME];
static int failed;

static void fail(const char *what, unsigned threads, size_t limit)
{
	printf("%u threads, %zu bytes: %s\n", threads, limit, what);
	failed = 1;
}

/* Names in an order that is not that of their text. */
static void make_names(void)
{
	for (unsigned i = 0; i < USERS; i++)
		snprintf(users[i], NAME, "u%u", i * 7919 % 10007);
	for (unsigned i = 0; i < TAGS; i++)
		snprintf(tags[i], NAME, "%.*s%u", (int)(i % 3), "\xff\xffz", i);
}

static unsigned user_of(uint64_t event)
{
	/* Some customers have many events. */
	return (unsigned)(random_bits(1, event) %
			  (event % 3 ? USERS : USERS / 20));
}

static unsigned tag_of(uint64_t event)
{
	return (unsigned)(random_bits(2, event) % TAGS);
}

/* Small values, and those that do not fit a record, of both signs. */
static decimal value_of(uint64_t event)
{
	decimal value =
		(decimal)(random_bits(3, event) % 2000000007) - 1000000003;

	if (event % 50 == 0)
		value *= 999999937;
	if (event % 100 == 0)
		value *= 1000000;
	return value;
}

/* Add BATCH events from first on as one of the threads. */
static void add_events(struct group_by *groups, unsigned thread, uint64_t first)
{
	struct string_slice user_list[BATCH], tag_list[BATCH];
	uint32_t user_indices[BATCH], tag_indices[BATCH];

	for (uint64_t i = 0; i < BATCH; i++) {
		const char *user = users[user_of(first + i)];
		const char *tag = tags[tag_of(first + i)];

		user_list[i] = (struct string_slice){user, strlen(user)};
		tag_list[i] = (struct string_slice){tag, strlen(tag)};
	}
	group_by_users(groups, thread, user_list, BATCH, user_indices);
	group_by_tags(groups, thread, tag_list, BATCH, tag_indices);
	for (uint64_t i = 0; i < BATCH; i++)
		group_by_add(groups, thread, user_indices[i], tag_indices[i],
			     value_of(first + i));
}

/* The lines for the events in memory; spills counts how often it was full. */
static struct output group(unsigned threads, size_t limit,
			   struct group_by_counts *counts, size_t *spills)
{
	struct group_by groups;
	struct output output;
	struct run_writer writer = {
		.kind = RUN_WRITER_PROFILE, .output = &output, .valued = true};

	output_memory(&output);
	group_by_begin(&groups, threads, limit);
	*spills = 0;
	for (uint64_t i = 0; i < EVENTS; i += BATCH) {
		unsigned thread = (unsigned)(i / BATCH % threads);

		add_events(&groups, thread, i);
		if (group_by_full(&groups, thread)) {
			group_by_spill(&groups);
			++*spills;
		}
	}
	*counts = group_by_write(&groups, &writer);
	group_by_end(&groups);
	output_write(&output, "", 1);
	return output;
}

/* Which of the names the text is; count where none. */
static size_t index_of(char names[][NAME], size_t count, const char *text,
		       size_t length)
{
	size_t i = 0;

	while (i < count && (strlen(names[i]) != length ||
			     memcmp(names[i], text, length) != 0))
		i++;
	return i;
}

/* Compare the lines with the sums; each pair with events must be there. */
static void check(unsigned threads, size_t limit, bool spilled)
{
	struct group_by_counts counts;
	size_t spills, lines = 0, pairs = 0;
	struct output output = group(threads, limit, &counts, &spills);
	char *line = (char *)output.buffer, last[64] = "";

	for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		char wanted[128], number[NUMBER_TEXT];
		char *tag = strchr(line, '\t') + 1;
		size_t length = strcspn(tag, "\t");
		size_t u =
			index_of(users, USERS, line, (size_t)(tag - line) - 1);
		size_t t = index_of(tags, TAGS, tag, length);

		*end = '\0';
		lines++;
		if (u == USERS || t == TAGS) {
			fail("a name that was not given", threads, limit);
			continue;
		}
		decimal_write(number, sums[u][t].value);
		snprintf(wanted, sizeof wanted, "%s\t%s\t%" PRIu64 "\t%s",
			 users[u], tags[t], sums[u][t].events, number);
		if (strcmp(line, wanted) != 0)
			fail("another sum", threads, limit);
		snprintf(wanted, sizeof wanted, "%s\t%s", users[u], tags[t]);
		if (strcmp(last, wanted) >= 0)
			fail("lines out of order", threads, limit);
		strcpy(last, wanted);
	}
	for (size_t u = 0; u < USERS; u++)
		for (size_t t = 0; t < TAGS; t++)
			pairs += sums[u][t].events > 0;
	if (lines != pairs || counts.pairs != pairs || counts.users != USERS ||
	    counts.tags != TAGS)
		fail("another number of lines or names", threads, limit);
	if ((spills > 1) != spilled)
		fail("memory is full at another time", threads, limit);
	free(output.buffer);
}

static void check_empty(void)
{
	struct group_by groups;
	struct output output;
	struct run_writer writer = {.kind = RUN_WRITER_PROFILE,
				    .output = &output};

	output_memory(&output);
	group_by_begin(&groups, 3, 1 << 20);
	group_by_spill(&groups);
	struct group_by_counts counts = group_by_write(&groups, &writer);
	if (output.held != 0 || counts.users != 0 || counts.tags != 0 ||
	    counts.pairs != 0)
		fail("lines of no events", 3, 1 << 20);
	group_by_end(&groups);
	free(output.buffer);
}

int main(void)
{
	make_names();
	for (uint64_t i = 0; i < EVENTS; i++) {
		sums[user_of(i)][tag_of(i)].events++;
		sums[user_of(i)][tag_of(i)].value += value_of(i);
	}
	for (unsigned threads = 1; threads <= 4; threads++) {
		check(threads, (size_t)1 << 30, false);
		check(threads, (size_t)200 << 10, true);
	}
	check_empty();
	return failed;
}
