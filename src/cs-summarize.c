/* cs-summarize: neighbours described for a reader: who is alike and why, what
 * the group shares, what the query may be missing. */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "die.h"
#include "format.h"
#include "neighbours.h"
#include "number.h"
#include "options.h"
#include "stream.h"
#include "summary.h"
#include "table.h"

enum { KEY_FORMAT = 256 };
enum layout { LAYOUT_TEXT, LAYOUT_JSON, LAYOUT_TSV };

static const char *const layout_words[] = { [LAYOUT_TEXT] = "text",
					    [LAYOUT_JSON] = "json",
					    [LAYOUT_TSV] = "tsv", NULL };

static const struct option_row rows[] = {
	{ "output:", KEY_FORMAT, "format", "F",
	  "text; json, one object a line; tsv [text]" },
	OPTION_OUTPUT(NULL),
	OPTION_COMMON
};

static const struct options_text text = {
	.name = "cs-summarize",
	.usage = "cs-summarize [OPTION]... [NEIGHBOURS]",
	.purpose =
"Describe neighbours (from cs-knn -u): who is alike and why, what they share\n"
"beyond what customers as active share, and what the customer may be missing.\n"
"Without NEIGHBOURS, or for \"-\", standard input is read.",
	.footer =
"exit: 0 done; 2 wrong use, input or output\n"
"  cs-knn -u 1 emb.bin | cs-summarize\n"
"  cs-knn --users vip.txt --profiles emb.bin | cs-summarize --format json\n"
"The manual page, cs-summarize(1), has the rest.",
	.rows = rows,
};

struct work {
	enum layout layout;
	struct table table;
	struct summary summary;
	struct output output;
	bool any;
};

/* ----------------------------------------------------------------- reading */

static char *copy(const struct field *field)
{
	if (memchr(field->text, '\0', field->length) != NULL)
		die("a NUL byte in a name");
	return alloc_text(field->text, field->length);
}

/* "key=text;key=text;..." */
static void read_model(struct work *work)
{
	struct summary *s = &work->summary;
	char *rest = work->table.fields[1].text;

	for (char *pair; (pair = strsep(&rest, ";")) != NULL;) {
		char *value = strchr(pair, '=');
		if (value == NULL)
			table_die(&work->table, "#model: \"%s\": expected "
				  "key=text", pair);
		*value++ = '\0';
		neighbours_unpack(value, strlen(value));
		size_t i = names_add(&s->keys, pair, strlen(pair));
		s->values = alloc_grow(s->values, &s->value_room, i + 1,
				       sizeof *s->values);
		if (i + 1 < s->keys.count || s->keys.count > 64)
			table_die(&work->table, "#model: key %s again, or too "
				  "many keys", pair);
		s->values[i] = alloc_text(value, strlen(value));
	}
}

static size_t find_tag(struct summary *s, const char *name)
{
	size_t i = names_add(&s->tags, name, strlen(name));
	size_t before = s->fact_room;

	s->facts = alloc_grow(s->facts, &s->fact_room, i + 1,
			      sizeof *s->facts);
	memset(s->facts + before, 0,
	       (s->fact_room - before) * sizeof *s->facts);
	return i;
}

/* "tag=value;tag=value;..." */
static void read_holdings(struct work *work, struct profile *profile,
			  char *rest)
{
	if (*rest == '\0')
		return;
	for (char *pair; (pair = strsep(&rest, ";")) != NULL;) {
		char *value = strchr(pair, '=');
		struct holding holding;
		if (value == NULL || !number_real(value + 1, &holding.value))
			table_die(&work->table, "#profile: \"%s\": expected "
				  "tag=number", pair);
		*value = '\0';
		neighbours_unpack(pair, strlen(pair));
		holding.tag = find_tag(&work->summary, pair);
		profile->holdings = alloc_grow(profile->holdings,
					       &profile->room,
					       profile->count + 1,
					       sizeof *profile->holdings);
		profile->holdings[profile->count++] = holding;
	}
}

static void read_profile(struct work *work)
{
	struct summary *s = &work->summary;
	const struct field *fields = work->table.fields;
	int64_t tenth;

	if (work->table.count != 4 ||
	    !number_integer(fields[2].text, 0, SUMMARY_TENTHS - 1, &tenth))
		table_die(&work->table, "#profile: expected a customer, a "
			  "tenth from 0 to 9, and tags");
	s->profiles = alloc_grow(s->profiles, &s->profile_room,
				 s->profile_count + 1, sizeof *s->profiles);
	struct profile *profile = &s->profiles[s->profile_count++];
	*profile = (struct profile){ .name = copy(&fields[1]),
				     .tenth = (unsigned)tenth };
	neighbours_unpack(profile->name, strlen(profile->name));
	read_holdings(work, profile, fields[3].text);
}

static void read_tag(struct work *work)
{
	const struct field *fields = work->table.fields;
	int64_t users;

	if (work->table.count != 5 ||
	    !number_integer(fields[2].text, 0, INT64_MAX, &users))
		table_die(&work->table, "#tag: expected a tag, two counts, and "
			  "ten with commas between");
	neighbours_unpack(fields[1].text, fields[1].length);
	size_t i = find_tag(&work->summary, fields[1].text);
	struct tag *tag = &work->summary.facts[i];
	char *at = fields[4].text, *end;
	tag->known = true;
	tag->users = users;
	for (int t = 0; t < SUMMARY_TENTHS; t++, at = end + 1) {
		tag->tenths[t] = strtoll(at, &end, 10);
		if (end == at || *end != (t + 1 < SUMMARY_TENTHS ? ',' : '\0'))
			table_die(&work->table, "#tag: \"%s\": expected ten "
				  "counts with commas between",
				  fields[4].text);
	}
}

/* The sum's items; the last, (other), stands apart. */
static void read_why(struct work *work, struct member *member, char *rest)
{
	char *number, *tag;
	double amount;

	while (neighbours_next_item(&rest, &number, &tag)) {
		if (!number_real(number, &amount))
			table_die(&work->table, "why: \"%s\": expected a "
				  "number", number);
		if (rest == NULL) {
			member->other = alloc_text(number, strlen(number));
			return;
		}
		member->items = alloc_grow(member->items, &member->room,
					   member->count + 1,
					   sizeof *member->items);
		member->items[member->count++] = (struct item){
			.tag = alloc_text(tag, strlen(tag)),
			.text = alloc_text(number, strlen(number)),
			.amount = amount,
		};
	}
	table_die(&work->table, "why: expected a sum that ends in (other)");
}

static void read_member(struct work *work)
{
	struct summary *s = &work->summary;
	const struct field *fields = work->table.fields;
	struct member member = { 0 };
	int64_t rank;

	if (work->table.count < 4 || work->table.count > 5)
		table_die(&work->table, "%zu fields, expected query, rank, "
			  "neighbour, similarity and why", work->table.count);
	if (!number_integer(fields[1].text, 1, INT64_MAX, &rank))
		table_die(&work->table, "rank \"%s\": expected a whole number "
			  "from 1 on", fields[1].text);
	if (!number_real(fields[3].text, &member.score))
		table_die(&work->table, "similarity \"%s\": expected a number",
			  fields[3].text);
	if (s->query == NULL)
		s->query = copy(&fields[0]);
	else if (strcmp(s->query, fields[0].text) != 0)
		table_die(&work->table, "customer %s begins before the # lines "
			  "of %s: cs-knn writes them with --profiles, and for "
			  "-u into a pipe", fields[0].text, s->query);
	member.rank = (size_t)rank;
	member.name = copy(&fields[2]);
	member.similarity = copy(&fields[3]);
	if (work->table.count == 5)
		read_why(work, &member, fields[4].text);
	s->members = alloc_grow(s->members, &s->member_room,
				s->member_count + 1, sizeof *s->members);
	s->members[s->member_count++] = member;
}

/* ----------------------------------------------------------------- writing */

static void finish_query(struct work *work)
{
	struct summary *s = &work->summary;

	if (s->query == NULL)
		table_die(&work->table, "# lines without a neighbour before "
			  "them");
	const char *error = summary_work(s);
	if (error != NULL)
		die("%s: customer %s: %s", work->table.name, s->query, error);
	if (work->layout == LAYOUT_TEXT && work->any)
		output_text(&work->output, "\n");
	if (work->layout == LAYOUT_TEXT)
		summary_text(s, &work->output);
	else if (work->layout == LAYOUT_JSON)
		summary_json(s, &work->output);
	else
		summary_tsv(s, &work->output);
	work->any = true;
	summary_free(s);
}

static bool is_note(const struct table *table, const char *word, size_t least)
{
	return table->count >= least && table->count <= 5 &&
		strcmp(table->fields[0].text, word) == 0;
}

static void read_rows(struct work *work)
{
	struct summary *s = &work->summary;

	while (table_next(&work->table)) {
		if (is_note(&work->table, "#profile", 3)) {
			read_profile(work);
		} else if (is_note(&work->table, "#tag", 3)) {
			read_tag(work);
		} else {
			/* Neighbours after profiles begin the next query. */
			if (s->profile_count > 0)
				finish_query(work);
			if (is_note(&work->table, "#model", 2))
				read_model(work);
			else
				read_member(work);
		}
	}
	if (s->query != NULL || s->keys.count > 0)
		finish_query(work);
}

static void open_neighbours(struct work *work, const char *path)
{
	struct table *table = &work->table;

	table_open(table, path);
	if (!table_next(table))
		die("%s: empty, expected neighbours from cs-knn", table->name);
	if (table->count < 4 || strcmp(table->fields[0].text, "query") != 0 ||
	    strcmp(table->fields[3].text, "similarity") != 0)
		table_die(table, "not neighbours: expected a header line "
			  "query, rank, neighbour, similarity, why (cs-knn "
			  "writes it)");
}

int main(int argc, char *argv[])
{
	struct work work = { 0 };
	const char *output = NULL;
	int key;

	options_begin(&text, argc, argv);
	while ((key = options_next()) != -1)
		if (key == KEY_FORMAT)
			work.layout = (enum layout)options_choice(layout_words);
		else
			output = optarg;
	if (argc - optind > 1)
		die_usage("one file at a time: \"%s\" is too many",
			  argv[optind + 1]);

	output_open(&work.output, output);
	open_neighbours(&work, argv[optind]);
	if (work.layout == LAYOUT_TSV)
		summary_tsv_header(&work.output);
	read_rows(&work);
	if (!work.any)
		die("%s: a header alone: no neighbours to describe",
		    work.table.name);
	table_close(&work.table);
	output_close(&work.output);
	return STATUS_DONE;
}
