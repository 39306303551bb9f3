/* generate: an event log from a seed, with what belongs to it: which tags the
 * courses have, which tags customers follow, how they did in assessments.
 *
 * Customers come in personas (vocabulary.c); a log is in the order of time,
 * its customers mixed, a few of them very active.  Nothing is kept of a
 * customer or an event, so logs may be longer than memory. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "catalogue.h"
#include "base/errors.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/io.h"

enum {
	KEY_SEED = 256,
	KEY_CUSTOMERS,
	KEY_EVENTS,
	KEY_COURSES,
	KEY_TAGS,
	KEY_TABLE,
	KEY_COLUMNS,
	KEY_QUOTED
};

/* Columns of views, in their order. */
static const char *const columns[] = {
	"user_handle", "view_date",  "course_id",         "author_handle",
	"level",       "course_tag", "view_time_seconds", NULL};

enum column { USER, DATE, COURSE, AUTHOR, LEVEL, TAG, SECONDS, COLUMNS };

/* Days of the log: a year from 1 January 2017. */
enum { DAYS = 365, DAY_TEXT = sizeof "2017-01-01" };

struct plan {
	struct catalogue world;
	size_t seed, customers, events, courses, tags;
	bool columns[COLUMNS];
	bool quoted;
	const char *output, *directory;
	unsigned table;
	char days[DAYS][DAY_TEXT];
};

static struct plan chosen = {
	.seed = 1, .customers = 2000, .events = 32000, .courses = 800};

static void choose_columns(const char *list);

/* The tables; the last is what the others hide, and no part of a data set. */
static const char *const tables[] = {"views",          "course_tags",
				     "user_interests", "user_assessment_scores",
				     "personas",       NULL};

static const struct option_row rows[] = {
	{"Size", KEY_SEED, "seed", "N", "decides every choice [1]",
	 OPTION_TO_INTEGER(chosen.seed, 0, INT64_C(1) << 48)},
	{NULL, KEY_CUSTOMERS, "customers", "N", "[2000]",
	 OPTION_TO_INTEGER(chosen.customers, 1, 1 << 30)},
	{NULL, KEY_EVENTS, "events", "N", "rows of views [32000]",
	 OPTION_TO_INTEGER(chosen.events, 1, INT64_C(1) << 40)},
	{NULL, KEY_COURSES, "courses", "N", "[800]",
	 OPTION_TO_INTEGER(chosen.courses, 1, 10000000)},
	{NULL, KEY_TAGS, "tags", "N", "[those of the vocabulary]",
	 OPTION_TO_INTEGER(chosen.tags, 1, 65535)},
	{"Output", KEY_TABLE, "table", "T", "which of those below [views]",
	 OPTION_TO_CHOICE(chosen.table, tables)},
	{NULL, 'd', "directory", "DIR", "the data set, each as DIR/T.csv",
	 OPTION_TO_TEXT(chosen.directory)},
	{NULL, KEY_COLUMNS, "columns", "C,C,...",
	 "of views, in their order [all]", OPTION_TO_FUNCTION(choose_columns)},
	{NULL, KEY_QUOTED, "quoted", NULL, "quote every field",
	 OPTION_TO_FLAG(chosen.quoted, true)},
	OPTION_OUTPUT_TO(NULL, chosen.output),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "generate",
	.usage = "generate [OPTION]...",
	.purpose = "Write an event log made from a seed, as CSV.",
	.footer =
		"The data set is the tables views, course_tags, user_interests and\n"
		"user_assessment_scores.  The table personas is what they hide: which kind\n"
		"of customer each is.\n"
		"exit: 0 done; 2 wrong use or output",
	.rows = rows,
};

/* A row being written; longer than any. */
struct row {
	char bytes[512];
	size_t length;
	const char *quote; /* `"` or nothing, around each field */
};

static void row_add(struct row *row, const char *bytes, size_t length)
{
	memcpy(row->bytes + row->length, bytes, length);
	row->length += length;
}

static void row_begin_field(struct row *row)
{
	if (row->length > 0)
		row->bytes[row->length++] = ',';
	if (*row->quote)
		row->bytes[row->length++] = *row->quote;
}

static void row_end_field(struct row *row)
{
	if (*row->quote)
		row->bytes[row->length++] = *row->quote;
}

static void row_text(struct row *row, const char *field)
{
	row_begin_field(row);
	row_add(row, field, strlen(field));
	row_end_field(row);
}

static void row_number(struct row *row, uint64_t value)
{
	char digits[24], *end = digits + sizeof digits, *at = end;

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	row_begin_field(row);
	row_add(row, at, (size_t)(end - at));
	row_end_field(row);
}

static void row_write(struct row *row, struct output *output)
{
	row->bytes[row->length++] = '\n';
	output_write(output, row->bytes, row->length);
	row->length = 0;
}

/* A header of names parted by blanks. */
static void write_header(struct plan *plan, struct output *output,
			 const char *const names[], const bool *wanted)
{
	struct row row = {.quote = plan->quoted ? "\"" : ""};

	for (size_t i = 0; names[i]; i++)
		if (wanted == NULL || wanted[i])
			row_text(&row, names[i]);
	row_write(&row, output);
}

static void make_days(struct plan *plan)
{
	static const int lengths[12] = {31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31};
	size_t day = 0;

	for (int month = 0; month < 12; month++)
		for (int date = 1; date <= lengths[month]; date++)
			snprintf(plan->days[day++], DAY_TEXT, "2017-%02u-%02u",
				 (month + 1u) % 100u, (unsigned)date % 100u);
}

/* Whose the event is.  Each fourth event is of the next customer in turn, so
 * with four events a customer all have one; of the others the busiest tenth
 * has about a third.  Handles do not tell how busy a customer is: they are
 * spread by a prime larger than any number of customers; the first is a busy
 * one. */
static uint64_t customer_of(const struct plan *plan, uint64_t event)
{
	uint64_t n = plan->customers;
	uint64_t u = catalogue_bits(&plan->world, DRAW_TURN, event) >> 32;
	uint64_t place =
		event % 4 == 0 ? event / 4 % n : (u * u >> 32) * n >> 32;

	return (place + n - n / 16) % n * 4294967291u % n;
}

/* The fields that a course brings, with the commas around them; free() it. */
static char *course_fields(const struct plan *plan, const struct course *course)
{
	struct row row = {.quote = plan->quoted ? "\"" : ""};
	size_t before = plan->columns[USER] || plan->columns[DATE];

	row.length = before;
	if (plan->columns[COURSE])
		row_text(&row, course->name);
	if (plan->columns[AUTHOR])
		row_number(&row, course->author);
	if (plan->columns[LEVEL])
		row_text(&row, course->level);
	if (plan->columns[TAG])
		row_text(&row, plan->world.tag_names[course->tags[0]]);
	return alloc_text(row.bytes + before, row.length - before);
}

/* One event: who, when, the course by a tag that the customer likes, and how
 * long, from a quarter of a minute to an hour and a half, short ones more. */
static void make_view(struct plan *plan, char *const fields[], uint64_t event,
		      struct row *row)
{
	const struct catalogue *world = &plan->world;
	uint64_t customer = customer_of(plan, event);
	uint64_t bits = catalogue_bits(world, DRAW_VIEW, event);
	size_t tag = catalogue_tag(world, customer,
				   catalogue_bits(world, DRAW_EVENT, event));
	const struct course *course =
		catalogue_course(world, customer, tag, bits);
	const char *middle = fields[course - world->courses];

	if (plan->columns[USER])
		row_number(row, customer + 1);
	if (plan->columns[DATE])
		row_text(row, plan->days[event * DAYS / plan->events]);
	row_add(row, middle, strlen(middle));
	if (plan->columns[SECONDS])
		row_number(row, 15 + catalogue_skewed(5400, bits >> 32));
}

static void write_views(struct plan *plan, struct output *output)
{
	struct row row = {.quote = plan->quoted ? "\"" : ""};
	char **fields = alloc(plan->courses, sizeof *fields);

	for (size_t c = 0; c < plan->courses; c++)
		fields[c] = course_fields(plan, &plan->world.courses[c]);
	write_header(plan, output, columns, plan->columns);
	progress_begin("rows", plan->events);
	for (uint64_t event = 0; event < plan->events; event++) {
		make_view(plan, fields, event, &row);
		row_write(&row, output);
		if (event % 65536 == 65535)
			progress_add(65536);
	}
	progress_end();
	for (size_t c = 0; c < plan->courses; c++)
		free(fields[c]);
	free(fields);
}

static void write_course_tags(struct plan *plan, struct output *output)
{
	static const char *const names[] = {"course_id", "course_tags", NULL};
	struct row row = {.quote = plan->quoted ? "\"" : ""};

	write_header(plan, output, names, NULL);
	for (size_t c = 0; c < plan->courses; c++) {
		const struct course *course = &plan->world.courses[c];
		for (size_t i = 0; i < course->tag_count; i++) {
			row_text(&row, course->name);
			row_text(&row, plan->world.tag_names[course->tags[i]]);
			row_write(&row, output);
		}
	}
}

/* Up to LIKED different tags that a customer likes; returns how many of the
 * count drawn differ.  The mask leaves bits of the choice out. */
enum { LIKED = 12 };

static size_t draw_tags(const struct plan *plan, enum draw draw, uint64_t mask,
			uint64_t customer, size_t count, size_t tags[LIKED])
{
	size_t kept = 0;

	for (size_t k = 0; k < count; k++) {
		uint64_t bits = catalogue_bits(&plan->world, draw,
					       customer * LIKED + k);
		size_t tag = catalogue_tag(&plan->world, customer, bits & mask);
		size_t i = 0;
		while (i < kept && tags[i] != tag)
			i++;
		if (i == kept)
			tags[kept++] = tag;
	}
	return kept;
}

static void write_interests(struct plan *plan, struct output *output)
{
	static const char *const names[] = {"user_handle", "interest_tag",
					    "date_followed", NULL};
	struct row row = {.quote = plan->quoted ? "\"" : ""};
	const struct catalogue *world = &plan->world;

	write_header(plan, output, names, NULL);
	for (uint64_t customer = 0; customer < plan->customers; customer++) {
		size_t tags[LIKED];
		size_t wanted = catalogue_skewed(
			LIKED, catalogue_bits(world, DRAW_INTERESTS, customer));
		size_t count = draw_tags(plan, DRAW_INTEREST, UINT64_MAX,
					 customer, wanted, tags);
		for (size_t k = 0; k < count; k++) {
			uint64_t day = catalogue_bits(world, DRAW_FOLLOWED,
						      customer * LIKED + k);
			row_number(&row, customer + 1);
			row_text(&row, world->tag_names[tags[k]]);
			row_text(&row, plan->days[day % DAYS]);
			row_write(&row, output);
		}
	}
}

/* A moment of a day: "2017-08-11 19:03:38". */
static void row_moment(const struct plan *plan, struct row *row, uint64_t bits)
{
	char moment[DAY_TEXT + 16];

	snprintf(moment, sizeof moment, "%s %02u:%02u:%02u",
		 plan->days[bits % DAYS], (unsigned)(bits >> 32) % 24,
		 (unsigned)(bits >> 40) % 60, (unsigned)(bits >> 48) % 60);
	row_text(row, moment);
}

/* Two of five customers were assessed, in tags of their first persona (the
 * low byte of the choice, which names another, left out), from 0 to 300:
 * half of it the customer, half of it chance. */
static void write_scores(struct plan *plan, struct output *output)
{
	static const char *const names[] = {"user_handle", "assessment_tag",
					    "user_assessment_date",
					    "user_assessment_score", NULL};
	struct row row = {.quote = plan->quoted ? "\"" : ""};
	const struct catalogue *world = &plan->world;

	write_header(plan, output, names, NULL);
	for (uint64_t customer = 0; customer < plan->customers; customer++) {
		uint64_t bits = catalogue_bits(world, DRAW_SCORES, customer);
		size_t wanted = bits % 5 < 2 ? 1 + (bits >> 8) % 4 : 0;
		size_t tags[LIKED];
		size_t count = draw_tags(plan, DRAW_SCORE, ~(uint64_t)255,
					 customer, wanted, tags);
		for (size_t k = 0; k < count; k++) {
			uint64_t chance = catalogue_bits(world, DRAW_ASSESSED,
							 customer * LIKED + k);
			row_number(&row, customer + 1);
			row_text(&row, world->tag_names[tags[k]]);
			row_moment(plan, &row, chance);
			row_number(&row,
				   (bits >> 16) % 151 + (chance >> 16) % 150);
			row_write(&row, output);
		}
	}
}

static void write_personas(struct plan *plan, struct output *output)
{
	static const char *const names[] = {"customer", "persona", NULL};
	struct row row = {.quote = plan->quoted ? "\"" : ""};

	write_header(plan, output, names, NULL);
	for (uint64_t customer = 0; customer < plan->customers; customer++) {
		row_number(&row, customer + 1);
		row_text(&row,
			 personas[catalogue_persona(&plan->world, customer)]
				 .name);
		row_write(&row, output);
	}
}

static void (*const writers[])(struct plan *, struct output *) = {
	write_views, write_course_tags, write_interests, write_scores,
	write_personas};

enum { DATA_TABLES = 4 };

static void write_table(struct plan *plan, size_t table, const char *path)
{
	struct output output;

	output_open(&output, path);
	writers[table](plan, &output);
	output_close(&output);
}

static void write_directory(struct plan *plan)
{
	char *path;

	for (size_t table = 0; table < DATA_TABLES; table++) {
		if (asprintf(&path, "%s/%s.csv", plan->directory,
			     tables[table]) < 0)
			die("out of memory");
		write_table(plan, table, path);
		free(path);
	}
}

/* Take the columns of views that a list with commas names. */
static void choose_columns(const char *list)
{
	memset(chosen.columns, 0, sizeof chosen.columns);
	if (*list == '\0')
		die_usage("--columns: expected at least one column");
	while (*list) {
		size_t length = strcspn(list, ","), c = 0;
		while (columns[c] && (strlen(columns[c]) != length ||
				      memcmp(columns[c], list, length) != 0))
			c++;
		if (!columns[c])
			die_usage("--columns: views has no column %.*s",
				  (int)length, list);
		chosen.columns[c] = true;
		list += length + (list[length] == ',');
	}
}

static void check_plan(void)
{
	size_t least = catalogue_least_tags();

	if (chosen.tags == 0)
		chosen.tags = least;
	if (chosen.tags < least)
		die_usage("--tags: expected at least %zu", least);
	if (chosen.courses < chosen.tags)
		die_usage("--courses: expected at least %zu, one for each tag",
			  chosen.tags);
	if (chosen.directory && chosen.output)
		die_usage("--directory and --output exclude each other");
}

int main(int argc, char *argv[])
{
	memset(chosen.columns, true, sizeof chosen.columns);
	char **operands = options_read(&text, argc, argv);
	if (operands[0] != NULL)
		die_usage("%s: expected no operand", operands[0]);
	check_plan();
	catalogue_make(&chosen.world, chosen.seed, chosen.tags, chosen.courses);
	make_days(&chosen);
	if (chosen.directory)
		write_directory(&chosen);
	else
		write_table(&chosen, chosen.table, chosen.output);
	catalogue_free(&chosen.world);
	return STATUS_DONE;
}
