#include "explain/summary_reader.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/enrichment.h"
#include "explain/neighbours_tsv.h"

static char *copy(const char *field)
{
	return alloc_text(field, strlen(field));
}

/* ---------------------------------------------------------------- # lines */

static const char *read_profile(struct summary_reader *reader,
				struct summary *s)
{
	struct profile_line line;
	struct summary_profile *profile;
	const char *error = neighbours_profiles_read_profile(
		&reader->table, s->profile_count == 0, &line);

	if (error != NULL)
		return error;
	profile = summary_add_profile(s, copy(line.name), line.tenth);
	for (;;) {
		char *name;
		double value;

		error = neighbours_profiles_next_value(&line.values, &name,
						       &value);
		if (error != NULL || name == NULL)
			return error;
		size_t tag = summary_add_tag(s, name, strlen(name));
		if (s->tag_facts[tag].last_profile == s->profile_count)
			return error_text("#profile: the tag %s again", name);
		s->tag_facts[tag].last_profile = s->profile_count;
		profile->values =
			alloc_grow(profile->values, &profile->room,
				   profile->count + 1, sizeof *profile->values);
		profile->values[profile->count++] =
			(struct profile_value){.tag = tag, .value = value};
	}
}

static const char *read_tag(struct summary_reader *reader, struct summary *s)
{
	struct tag_line line;
	const char *error = neighbours_profiles_read_tag(&reader->table,
							 &s->metadata, &line);
	size_t tag;

	if (error != NULL)
		return error;
	tag = string_table_find(&s->tags, line.name, strlen(line.name));
	if (tag == STRING_TABLE_NONE || s->tag_facts[tag].last_profile == 0)
		return error_text("#tag: the tag %s stands in no profile",
				  line.name);
	if (s->tag_facts[tag].counted)
		return error_text("#tag: the tag %s again", line.name);
	s->tag_facts[tag].counted = true;
	s->tag_facts[tag].counts = line.counts;
	return NULL;
}

/* -------------------------------------------------------------- neighbours */

/* Read the sum; its last item, (other), stands apart. */
static const char *read_why(struct summary *s,
			    struct summary_neighbour *neighbour, char *rest)
{
	char *number, *name;
	double amount;

	while (neighbours_next_item(&rest, &number, &name)) {
		if (!neighbours_read_number(number, &amount))
			return error_text("why: \"%s\": expected a number",
					  number);
		if (rest != NULL)
			summary_add_contribution(
				neighbour,
				summary_add_tag(s, name, strlen(name)), amount);
		else if (strcmp(name, "(other)") == 0)
			snprintf(neighbour->other, sizeof neighbour->other,
				 "%s", number);
	}
	if (*neighbour->other == '\0')
		return "why: expected a sum that ends in (other)";
	return NULL;
}

/* Check that the row is one of a neighbour of the query. */
static const char *check_query(const struct summary_reader *reader,
			       const struct summary *s)
{
	const struct tsv_reader *table = &reader->table;
	const char *query = table->fields[0].text;

	if (table->count != (reader->why ? 5 : 4))
		return error_text("%zu %s, expected %d as in the header",
				  table->count,
				  table->count == 1 ? "field" : "fields",
				  reader->why ? 5 : 4);
	if (s->metadata.id == NULL)
		return error_text(
			"no #model line before customer %s: cs-knn writes "
			"the lines that begin with # for -u into a pipe, "
			"and with --profiles",
			query);
	if (s->query != NULL && strcmp(s->query, query) != 0)
		return error_text(
			"customer %s begins before the #profile lines of %s",
			query, s->query);
	return NULL;
}

static const char *read_neighbour(struct summary_reader *reader,
				  struct summary *s)
{
	const struct tsv_field *fields = reader->table.fields;
	struct summary_neighbour *neighbour;
	const char *error = check_query(reader, s);
	size_t expected = s->neighbour_count + 1;
	double similarity;
	int64_t rank;

	if (error != NULL)
		return error;
	if (s->query == NULL)
		s->query = copy(fields[0].text);
	if (!number_integer(fields[1].text, 1, INT64_MAX, &rank) ||
	    (uint64_t)rank != expected)
		return error_text("rank \"%s\": expected %zu", fields[1].text,
				  expected);
	if (!neighbours_read_number(fields[3].text, &similarity))
		return error_text("similarity \"%s\": expected a number",
				  fields[3].text);
	neighbour = summary_add_neighbour(s, copy(fields[2].text), similarity);
	return reader->why ? read_why(s, neighbour, fields[4].text) : NULL;
}

/* ----------------------------------------------------------------- queries */

/* Whether the row is one of a neighbour, whose query's name may begin with '#',
 * too: what follows #model is one whatever its name, and so is what has the
 * same query and the next rank. */
static bool is_neighbour(const struct summary_reader *reader,
			 const struct summary *s)
{
	const struct tsv_field *fields = reader->table.fields;
	int64_t rank;

	if (s->query == NULL)
		return s->metadata.id != NULL;
	return s->profile_count == 0 && reader->table.count >= 4 &&
	       strcmp(fields[0].text, s->query) == 0 &&
	       number_integer(fields[1].text, 1, INT64_MAX, &rank) &&
	       (uint64_t)rank == s->neighbour_count + 1;
}

/* Read the row; pending becomes true where it begins the next query. */
static const char *read_row(struct summary_reader *reader, struct summary *s)
{
	const struct tsv_reader *table = &reader->table;
	const char *word = table->fields[0].text, *error;

	if (is_neighbour(reader, s))
		return read_neighbour(reader, s);
	if (s->query != NULL && strcmp(word, "#profile") == 0)
		return read_profile(reader, s);
	if (s->query != NULL && strcmp(word, "#tag") == 0)
		return read_tag(reader, s);
	if (strcmp(word, "#model") == 0 && table->count == 2) {
		reader->pending = s->query != NULL;
		if (reader->pending)
			return NULL;
		error = neighbours_metadata_read_model(table->fields[1].text,
						       &s->metadata);
		summary_set_levels(s);
		return error;
	}
	if (s->profile_count > 0)
		return error_text("\"%s\": expected a line of #profile, #tag "
				  "or #model",
				  word);
	return read_neighbour(reader, s);
}

static const char *finish_query(struct summary *s)
{
	const char *error;

	if (s->query == NULL)
		return "#model: no neighbours follow";
	error = enrichment_test(s);
	if (error != NULL)
		return error_text("customer %s: %s", s->query, error);
	return NULL;
}

const char *summary_reader_next(struct summary_reader *reader,
				struct summary *summary, bool *found)
{
	const char *error = NULL;

	*summary = (struct summary){0};
	if (reader->pending || tsv_next(&reader->table))
		do {
			reader->pending = false;
			error = read_row(reader, summary);
		} while (error == NULL && !reader->pending &&
			 tsv_next(&reader->table));
	*found = summary->metadata.id != NULL;
	if (error == NULL && *found)
		error = finish_query(summary);
	return error ? tsv_error(&reader->table, "%s", error) : NULL;
}

const char *summary_reader_open(struct summary_reader *reader, const char *path)
{
	struct tsv_reader *table = &reader->table;
	const char *error = NULL;

	*reader = (struct summary_reader){0};
	tsv_open(table, path);
	if (!tsv_next(table))
		error = error_text("%s: empty, expected neighbours from cs-knn",
				   table->name);
	else if (!neighbours_is_header(table, &reader->why))
		error = error_text("%s:%zu: no neighbours: expected the header "
				   "line of cs-knn: query, rank, neighbour, "
				   "similarity, why",
				   table->name, table->line);
	if (error != NULL)
		summary_reader_close(reader);
	return error;
}

void summary_reader_close(struct summary_reader *reader)
{
	tsv_close(&reader->table);
	*reader = (struct summary_reader){0};
}
