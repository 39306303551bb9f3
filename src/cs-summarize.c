/* cs-summarize: neighbours described for a reader: who is alike and why, what
 * the group shares, what the query may be missing.
 *
 * The text of neighbours (explain/neighbours_tsv.h) is read query by query;
 * what is said of each is worked out in explain/enrichment.h and written by
 * explain/summary_text.h and explain/summary_json.h. */
#include <float.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/control_chars.h"
#include "base/errors.h"
#include "explain/display_names.h"
#include "explain/neighbours_tsv.h"
#include "base/number.h"
#include "base/options.h"
#include "base/progress.h"
#include "explain/summary_text.h"
#include "explain/summary_json.h"
#include "base/io.h"
#include "explain/enrichment.h"
#include "text/percent.h"
#include "text/tsv.h"

enum { KEY_FORMAT = 256, KEY_NAMES, KEY_WHO };
enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_TSV };

static const char *const output_format_words[] = {[OUTPUT_TEXT] = "text",
						  [OUTPUT_JSON] = "json",
						  [OUTPUT_TSV] = "tsv",
						  NULL};

static const struct option_row rows[] = {
	{"output:", KEY_FORMAT, "format", "F",
	 "text; json, one object a line; tsv [text]"},
	{NULL, KEY_NAMES, "names", "FILE[:ID,NAME]",
	 "names of tags, to show beside them"},
	{NULL, KEY_WHO, "who", "FILE[:ID,NAME]", "names of customers"},
	OPTION_OUTPUT(NULL),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-summarize",
	.usage = "cs-summarize [OPTION]... [NEIGHBOURS]",
	.purpose =
		"Describe neighbours (from cs-knn -u): who is alike and why, "
		"what they share\n"
		"beyond what customers as active share, and what the customer "
		"may be missing.\n"
		"Without NEIGHBOURS, or for \"-\", standard input is read.",
	.footer = "exit: 0 done; 2 wrong use, input or output\n"
		  "  cs-knn -u 1 emb.bin | cs-summarize\n"
		  "  cs-knn --users vip.txt --profiles emb.bin | "
		  "cs-summarize --format json\n"
		  "The manual page, cs-summarize(1), has the rest.",
	.rows = rows,
};

struct work {
	enum output_format layout;
	struct tsv_reader table;
	bool why; /* the table has that column */
	struct display_names labels;
	struct summary summary;
	size_t *seen; /* for each tag, the last profile with it, from 1 */
	size_t seen_room;
	struct output output;
	bool any; /* a query is described */
};

/* End the process with a message that names file and line, on one line and
 * harmless to a terminal whatever the fields that it quotes. */
static _Noreturn void refuse(const struct work *work, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static _Noreturn void refuse(const struct work *work, const char *format, ...)
{
	char message[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	control_chars_replace(message);
	tsv_die(&work->table, "%s", message);
}

/* ------------------------------------------------------------------ fields */

static char *copy(const char *field)
{
	return alloc_text(field, strlen(field));
}

/* Numbers that JSON can repeat as they stand: no sign but '-', digits on both
 * sides of a point, no zeros in front. */
static bool is_number(const char *field, double *value)
{
	const char *digits = field + (*field == '-');
	const char *point = strchr(field, '.');

	return number_real(field, value) && fabs(*value) <= (double)FLT_MAX &&
	       strlen(field) < NUMBER_TEXT && *digits >= '0' &&
	       *digits <= '9' &&
	       (*digits != '0' || strchr(".eE", digits[1]) != NULL) &&
	       (point == NULL || (point[1] >= '0' && point[1] <= '9'));
}

/* count numbers with commas between, none below zero. */
static bool read_counts(char *list, int64_t *counts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *item = strsep(&list, ",");

		if (item == NULL ||
		    !number_integer(item, 0, INT64_MAX, &counts[i]))
			return false;
	}
	return list == NULL;
}

/* ------------------------------------------------------------------ #model */

enum key_type { KEY_TEXT, KEY_COUNT, KEY_COUNT_OR_NONE, KEY_REAL, KEY_TENTHS };

static const struct key {
	const char *name;
	enum key_type type;
	size_t offset; /* in struct model_metadata */
} keys[] = {
	{"id", KEY_TEXT, offsetof(struct model_metadata, id)},
	{"customers", KEY_COUNT, offsetof(struct model_metadata, customers)},
	{"without_signal", KEY_COUNT,
	 offsetof(struct model_metadata, without_signal)},
	{"tags", KEY_COUNT, offsetof(struct model_metadata, tags)},
	{"dimensions", KEY_COUNT, offsetof(struct model_metadata, dimensions)},
	{"metric", KEY_TEXT, offsetof(struct model_metadata, metric)},
	{"median_pair", KEY_REAL, offsetof(struct model_metadata, median_pair)},
	{"top_percent_pair", KEY_REAL,
	 offsetof(struct model_metadata, top_pair)},
	{"customer", KEY_TEXT, offsetof(struct model_metadata, customer)},
	{"tag", KEY_TEXT, offsetof(struct model_metadata, tag)},
	{"value", KEY_TEXT, offsetof(struct model_metadata, value)},
	{"kind", KEY_TEXT, offsetof(struct model_metadata, kind)},
	{"tenths", KEY_TENTHS, offsetof(struct model_metadata, tenths)},
	{"asked", KEY_COUNT, offsetof(struct model_metadata, asked)},
	{"candidates", KEY_COUNT, offsetof(struct model_metadata, candidates)},
	{"matching", KEY_COUNT_OR_NONE,
	 offsetof(struct model_metadata, matching)},
	{"min_similarity", KEY_TEXT,
	 offsetof(struct model_metadata, min_similarity)},
	{"among", KEY_TEXT, offsetof(struct model_metadata, among)},
};

enum { KEYS = sizeof keys / sizeof *keys };

/* Set what the key stands for; false where the value is not of its type. */
static bool set_key(struct model_metadata *origin, const struct key *key,
		    char *value)
{
	void *place = (char *)origin + key->offset;

	switch (key->type) {
	case KEY_TEXT:
		*(char **)place = copy(value);
		return true;
	case KEY_COUNT:
		return number_integer(value, 0, INT64_MAX, place);
	case KEY_COUNT_OR_NONE:
		return number_integer(value, -1, INT64_MAX, place);
	case KEY_REAL:
		return is_number(value, place);
	case KEY_TENTHS:
		return read_counts(value, place, TENTHS);
	}
	return false;
}

/* Take "key=value" and note in *found which key it was; one that a later
 * cs-knn may add is passed over. */
static void read_key(struct work *work, char *pair, unsigned *found)
{
	char *value = pair + strcspn(pair, "=");
	size_t i = 0;

	if (*value == '\0')
		refuse(work, "#model: \"%s\": expected key=value", pair);
	*value++ = '\0';
	while (i < KEYS && strcmp(keys[i].name, pair) != 0)
		i++;
	if (i == KEYS)
		return;
	percent_decode(value, strlen(value), false);
	if (*found & 1u << i)
		refuse(work, "#model: the key %s again", pair);
	*found |= 1u << i;
	if (!set_key(&work->summary.origin, &keys[i], value))
		refuse(work, "#model: %s: \"%s\": expected %s", pair, value,
		       keys[i].type == KEY_TENTHS
			       ? "ten counts with commas between"
			       : "a number");
}

static void read_model(struct work *work)
{
	char *rest = work->table.fields[1].text;
	unsigned found = 0;

	if (work->summary.origin.id != NULL)
		refuse(work, "#model again: expected neighbours");
	for (char *pair; (pair = strsep(&rest, ";")) != NULL;)
		read_key(work, pair, &found);
	for (size_t i = 0; i < KEYS; i++)
		if (!(found & 1u << i))
			refuse(work, "#model: the key %s is missing",
			       keys[i].name);
}

/* ---------------------------------------------------------------- #profile */

/* The tag's index; what is new has no facts yet. */
static size_t find_tag(struct work *work, const char *name)
{
	struct summary *s = &work->summary;
	size_t before = s->tags.count;
	size_t i = string_table_add(&s->tags, name, strlen(name));

	if (i < before)
		return i;
	s->facts = alloc_grow(s->facts, &s->fact_room, i + 1, sizeof *s->facts);
	s->facts[i] = (struct tag){0};
	work->seen = alloc_grow(work->seen, &work->seen_room, i + 1,
				sizeof *work->seen);
	work->seen[i] = 0;
	return i;
}

static struct tag_value read_holding(struct work *work, char *pair)
{
	struct tag_value holding;
	char *value = pair + strcspn(pair, "=");

	if (*value == '\0' || !number_real(value + 1, &holding.value) ||
	    fabs(holding.value) > (double)FLT_MAX)
		refuse(work, "#profile: \"%s\": expected tag=number", pair);
	*value = '\0';
	percent_decode(pair, strlen(pair), false);
	holding.tag = find_tag(work, pair);
	if (work->seen[holding.tag] == work->summary.profile_count)
		refuse(work, "#profile: the tag %s again", pair);
	work->seen[holding.tag] = work->summary.profile_count;
	return holding;
}

/* "tag=value;tag=value;..." */
static void read_holdings(struct work *work, struct profile *profile,
			  char *rest)
{
	if (*rest == '\0')
		return;
	for (char *pair; (pair = strsep(&rest, ";")) != NULL;) {
		profile->holdings = alloc_grow(
			profile->holdings, &profile->room, profile->count + 1,
			sizeof *profile->holdings);
		profile->holdings[profile->count++] = read_holding(work, pair);
	}
}

static void read_profile(struct work *work)
{
	struct summary *s = &work->summary;
	const struct tsv_field *fields = work->table.fields;
	int64_t tenth;

	if (work->table.count != 4 ||
	    !number_integer(fields[2].text, 0,
			    work->summary.profile_count == 0 ? TENTHS
							     : TENTHS - 1,
			    &tenth))
		refuse(work,
		       "#profile: expected a customer, a tenth from 0 to 9, "
		       "and tags");
	s->profiles = alloc_grow(s->profiles, &s->profile_room,
				 s->profile_count + 1, sizeof *s->profiles);
	struct profile *profile = &s->profiles[s->profile_count++];
	*profile = (struct profile){.name = copy(fields[1].text),
				    .tenth = (unsigned)tenth};
	percent_decode(profile->name, strlen(profile->name), false);
	read_holdings(work, profile, fields[3].text);
}

/* -------------------------------------------------------------------- #tag */

/* Counts of tenths add up to the users, and none is above its tenth. */
static bool adds_up(const struct model_metadata *origin, const struct tag *tag)
{
	int64_t left = tag->users;

	for (size_t i = 0; i < TENTHS; i++) {
		if (tag->tenths[i] > left || tag->tenths[i] > origin->tenths[i])
			return false;
		left -= tag->tenths[i];
	}
	return left == 0;
}

static void read_tag(struct work *work)
{
	struct summary *s = &work->summary;
	const struct tsv_field *fields = work->table.fields;
	int64_t customers;
	struct tag tag = {.known = true};

	if (work->table.count != 5 ||
	    !number_integer(fields[2].text, 0, INT64_MAX, &tag.users) ||
	    !number_integer(fields[3].text, 0, INT64_MAX, &customers) ||
	    !read_counts(fields[4].text, tag.tenths, TENTHS))
		refuse(work, "#tag: expected a tag, two counts, and ten with "
			     "commas between");
	percent_decode(fields[1].text, fields[1].length, false);
	if (!adds_up(&s->origin, &tag) || customers != s->origin.customers)
		refuse(work,
		       "#tag: the counts of %s do not go together, or not "
		       "with those of #model",
		       fields[1].text);
	size_t i = string_table_find(&s->tags, fields[1].text,
				     strlen(fields[1].text));
	if (i == STRING_TABLE_NONE || s->facts[i].known)
		refuse(work, "#tag: the tag %s %s", fields[1].text,
		       i == STRING_TABLE_NONE ? "stands in no profile"
					      : "again");
	s->facts[i] = tag;
}

/* -------------------------------------------------------------- neighbours */

static void add_item(struct member *member, const char *tag, const char *number,
		     double amount)
{
	member->items = alloc_grow(member->items, &member->room,
				   member->count + 1, sizeof *member->items);
	member->items[member->count++] = (struct item){
		.tag = copy(tag),
		.text = copy(number),
		.amount = amount,
	};
}

/* The sum's items; the last, (other), stands apart. */
static void read_why(struct work *work, struct member *member, char *rest)
{
	char *number, *tag;
	double amount;

	while (neighbours_next_item(&rest, &number, &tag)) {
		if (!is_number(number, &amount))
			refuse(work, "why: \"%s\": expected a number", number);
		if (rest != NULL)
			add_item(member, tag, number, amount);
		else if (strcmp(tag, "(other)") == 0)
			member->other = copy(number);
	}
	if (member->other == NULL)
		refuse(work, "why: expected a sum that ends in (other)");
}

/* The row's rank and similarity; the texts are set by the caller. */
static void read_figures(struct work *work, struct member *member)
{
	const struct tsv_field *fields = work->table.fields;
	size_t rank = work->summary.member_count + 1;
	int64_t found;

	if (!number_integer(fields[1].text, 1, INT64_MAX, &found) ||
	    (uint64_t)found != rank)
		refuse(work, "rank \"%s\": expected %zu", fields[1].text, rank);
	if (!is_number(fields[3].text, &member->score))
		refuse(work, "similarity \"%s\": expected a number",
		       fields[3].text);
	member->rank = rank;
}

static void read_member(struct work *work)
{
	struct summary *s = &work->summary;
	const struct tsv_field *fields = work->table.fields;
	struct member member = {0};

	if (work->table.count != (work->why ? 5 : 4))
		refuse(work, "%zu %s, expected %d as in the header",
		       work->table.count,
		       work->table.count == 1 ? "field" : "fields",
		       work->why ? 5 : 4);
	if (s->origin.id == NULL)
		refuse(work,
		       "no #model line before customer %s: cs-knn writes "
		       "the lines that begin with # for -u into a pipe, "
		       "and with --profiles",
		       fields[0].text);
	if (s->query == NULL)
		s->query = copy(fields[0].text);
	else if (strcmp(s->query, fields[0].text) != 0)
		refuse(work,
		       "customer %s begins before the #profile lines of %s",
		       fields[0].text, s->query);
	read_figures(work, &member);
	member.name = copy(fields[2].text);
	member.similarity = copy(fields[3].text);
	if (work->why)
		read_why(work, &member, fields[4].text);
	s->members = alloc_grow(s->members, &s->member_room,
				s->member_count + 1, sizeof *s->members);
	s->members[s->member_count++] = member;
}

/* ----------------------------------------------------------------- queries */

static void finish_query(struct work *work)
{
	struct summary *s = &work->summary;

	if (s->query == NULL)
		refuse(work, "#model: no neighbours follow");
	const char *error = summary_work(s);
	if (error != NULL)
		refuse(work, "customer %s: %s", s->query, error);
	if (work->layout == OUTPUT_JSON) {
		summary_json_write(s, &work->labels, &work->output);
	} else if (work->layout == OUTPUT_TSV) {
		summary_tsv_write(s, &work->output);
	} else {
		output_text(&work->output, work->any ? "\n" : "");
		summary_text_write(s, &work->labels, &work->output);
	}
	work->any = true;
	summary_free(s);
	progress_add(1);
}

/* A name may begin with '#', too: what follows #model is a neighbour whatever
 * its name, and so is what has the same query and the next rank. */
static bool is_member(const struct work *work)
{
	const struct summary *s = &work->summary;
	const struct tsv_field *fields = work->table.fields;
	int64_t rank;

	if (s->query == NULL)
		return s->origin.id != NULL;
	return s->profile_count == 0 && work->table.count >= 4 &&
	       strcmp(fields[0].text, s->query) == 0 &&
	       number_integer(fields[1].text, 1, INT64_MAX, &rank) &&
	       (uint64_t)rank == s->member_count + 1;
}

static void read_row(struct work *work)
{
	const char *word = work->table.fields[0].text;

	if (is_member(work)) {
		read_member(work);
	} else if (work->summary.query && strcmp(word, "#profile") == 0) {
		read_profile(work);
	} else if (work->summary.query && strcmp(word, "#tag") == 0) {
		read_tag(work);
	} else if (strcmp(word, "#model") == 0 && work->table.count == 2) {
		if (work->summary.query != NULL)
			finish_query(work);
		read_model(work);
	} else if (work->summary.profile_count > 0) {
		refuse(work,
		       "\"%s\": expected a line of #profile, #tag or "
		       "#model",
		       word);
	} else {
		read_member(work);
	}
}

static void open_neighbours(struct work *work, const char *path)
{
	static const char *const names[] = {"query", "rank", "neighbour",
					    "similarity", "why"};
	struct tsv_reader *table = &work->table;
	bool right = true;

	tsv_open(table, path);
	if (!tsv_next(table))
		die("%s: empty, expected neighbours from cs-knn", table->name);
	for (size_t i = 0; right && i < table->count; i++)
		right = i < 5 && strcmp(table->fields[i].text, names[i]) == 0;
	if (!right || table->count < 4)
		tsv_die(table, "no neighbours: expected the header line of "
			       "cs-knn: query, rank, neighbour, similarity, "
			       "why");
	work->why = table->count == 5;
}

static void describe(struct work *work)
{
	if (work->layout == OUTPUT_TSV)
		summary_tsv_write_header(&work->output);
	progress_begin("customers", 0);
	while (tsv_next(&work->table))
		read_row(work);
	if (work->summary.origin.id != NULL)
		finish_query(work);
	progress_end();
	if (!work->any)
		die("%s: a header alone: no neighbours to describe",
		    work->table.name);
	free(work->seen);
	tsv_close(&work->table);
}

/* ------------------------------------------------------------------- main */

/* Returns where the output goes. */
static const char *read_options(struct work *work, int argc, char **argv)
{
	const char *output = NULL;

	options_begin(&text, argc, argv);
	for (int key; (key = options_next()) != -1;)
		switch (key) {
		case KEY_FORMAT:
			work->layout = (enum output_format)options_choice(
				output_format_words);
			break;
		case KEY_NAMES:
			display_names_read(&work->labels.tags, "--names",
					   optarg);
			break;
		case KEY_WHO:
			display_names_read(&work->labels.customers, "--who",
					   optarg);
			break;
		case 'o':
			output = options_once(output);
			break;
		}
	if (argc - optind > 1)
		die_usage("one file at a time: \"%s\" is too many",
			  argv[optind + 1]);
	return output;
}

int main(int argc, char *argv[])
{
	struct work work = {0};
	const char *output = read_options(&work, argc, argv);

	output_open(&work.output, output);
	open_neighbours(&work, argv[optind]);
	describe(&work);
	output_close(&work.output);
	display_names_free(&work.labels);
	return STATUS_DONE;
}
