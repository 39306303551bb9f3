#include "explain/summary_json.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "explain/neighbours_json.h"
#include "explain/neighbours_tsv.h"

/* How many tags of the profile are written, those that the customer has. */
enum { TOP = 5 };

/* What the functions below share. */
struct summary_json {
	struct json_writer *writer;
	const struct summary *summary;
	const struct display_names *names;
};

/* ------------------------------------------------------------------ pieces */

/* A customer by its id, and by name where there are names. */
static void put_customer(const struct summary_json *json, const char *id)
{
	json_put_text(json->writer, "customer", *id ? id : NULL);
	display_names_put(&json->names->customers, id, strlen(id),
			  json->writer);
}

/* Where the model has levels, that of a tag, or null. */
static void put_level(const struct summary_json *json, size_t tag)
{
	const struct tag_levels *levels = &json->summary->levels;
	size_t level = summary_tag_level(json->summary, tag);

	if (levels->prefixes.count == 0)
		return;
	if (level == TAG_PREFIX_NONE)
		json_put_null(json->writer, "level");
	else
		json_put_string(json->writer, "level",
				levels->prefixes.texts[level],
				tag_levels_name_length(levels, level));
}

/* A tag likewise. */
static void put_tag(const struct summary_json *json, size_t tag)
{
	const char *id = summary_tag_name(json->summary, tag);
	size_t length = string_table_length(&json->summary->tags, tag);

	json_put_string(json->writer, "tag", id, length);
	display_names_put(&json->names->tags, id, length, json->writer);
	put_level(json, tag);
}

/* How many customers have the tag. */
static void put_customers(const struct summary_json *json, size_t tag)
{
	json_put_integer(json->writer, "customers",
			 json->summary->tag_facts[tag].counts.customers);
}

static void put_model(const struct summary_json *json)
{
	const struct model_metadata *metadata = &json->summary->metadata;
	struct json_writer *writer = json->writer;

	json_put_object(writer, "columns");
	json_put_text(writer, "customer", metadata->customer);
	json_put_text(writer, "tag", metadata->tag);
	json_put_text(writer, "value", metadata->value);
	json_put_end(writer);
	json_put_object(writer, "model");
	json_put_text(writer, "id", metadata->id);
	json_put_integer(writer, "customers", metadata->customers);
	json_put_integer(writer, "without_signal", metadata->without_signal);
	json_put_integer(writer, "tags", metadata->tags);
	json_put_integer(writer, "dimensions", metadata->dimensions);
	json_put_text(writer, "metric", metadata->metric);
	if (strcmp(metadata->metric, "combined") == 0)
		json_put_real(writer, "alpha", metadata->alpha, 9);
	json_put_real(writer, "median_pair", metadata->median_pair,
		      NEIGHBOURS_SIMILARITY_DIGITS);
	json_put_real(writer, "top_percent_pair", metadata->top_percent_pair,
		      NEIGHBOURS_SIMILARITY_DIGITS);
	json_put_end(writer);
}

static void put_profile(const struct summary_json *json)
{
	const struct summary_profile *profile = &json->summary->profiles[0];
	struct json_writer *writer = json->writer;
	char text[NUMBER_TEXT] = "null";
	size_t count = 0;

	if (summary_is_additive(json->summary))
		summary_format_value(text, summary_total(profile));
	json_put_object(writer, "profile");
	json_put_count(writer, "tags", summary_count_tags(profile));
	json_put_number(writer, "value", text);
	if (isnan(json->summary->metadata.captured))
		json_put_null(writer, "captured");
	else
		json_put_real(writer, "captured",
			      json->summary->metadata.captured, 4);
	json_put_array(writer, "top");
	for (size_t i = 0; i < profile->count && count < TOP; i++) {
		const struct profile_value *value = &profile->values[i];

		if (value->value <= 0)
			continue;
		json_put_object(writer, NULL);
		put_tag(json, value->tag);
		json_put_number(writer, "value",
				summary_format_value(text, value->value));
		put_customers(json, value->tag);
		json_put_end(writer);
		count++;
	}
	json_put_end(writer);
	json_put_end(writer);
}

/* -------------------------------------------------------------- neighbours */

static void put_why(const struct summary_json *json,
		    const struct summary_neighbour *neighbour)
{
	const struct summary *s = json->summary;
	struct json_writer *writer = json->writer;

	json_put_array(writer, "why");
	for (size_t i = 0; i < neighbour->count; i++) {
		size_t tag = neighbour->contributions[i].tag;

		json_put_object(writer, NULL);
		put_tag(json, tag);
		json_put_fixed(writer, "contribution",
			       neighbour->contributions[i].amount,
			       NEIGHBOURS_CONTRIBUTION_DECIMALS);
		if (s->profile_count > 0)
			json_put_bool(writer, "both",
				      summary_has_tag(&s->profiles[0], tag) &&
					      summary_has_tag(
						      neighbour->profile, tag));
		json_put_end(writer);
	}
	json_put_end(writer);
	if (*neighbour->other != '\0')
		json_put_number(writer, "other", neighbour->other);
	else
		json_put_real(writer, "other", neighbour->similarity,
			      NEIGHBOURS_SIMILARITY_DIGITS);
}

static void put_neighbours(const struct summary_json *json)
{
	struct json_writer *writer = json->writer;

	json_put_array(writer, "neighbours");
	for (size_t i = 0; i < json->summary->neighbour_count; i++) {
		const struct summary_neighbour *neighbour =
			&json->summary->neighbours[i];

		json_put_object(writer, NULL);
		json_put_count(writer, "rank", neighbour->rank);
		put_customer(json, neighbour->name);
		neighbours_json_put_similarity(writer, neighbour->similarity);
		put_why(json, neighbour);
		json_put_end(writer);
	}
	json_put_end(writer);
	neighbours_json_put_tied(writer, summary_listed_tied(json->summary),
				 json->summary->metadata.tied);
}

/* ------------------------------------------------------------------- group */

/* The members that a listed tag has in both lists. */
static void put_listed(const struct summary_json *json, size_t tag)
{
	const struct summary_tag *facts = &json->summary->tag_facts[tag];

	put_tag(json, tag);
	json_put_count(json->writer, "members", facts->members);
	json_put_real(json->writer, "expected", facts->expected,
		      NEIGHBOURS_SIMILARITY_DIGITS);
	json_put_real(json->writer, "times", summary_ratio(facts),
		      NEIGHBOURS_SIMILARITY_DIGITS);
}

static void put_over_represented(const struct summary_json *json)
{
	const struct summary *s = json->summary;

	json_put_array(json->writer, "over_represented");
	for (size_t i = 0; i < s->listed_count; i++) {
		size_t tag = s->listed[i];

		json_put_object(json->writer, NULL);
		put_listed(json, tag);
		put_customers(json, tag);
		json_put_bool(json->writer, "has", s->tag_facts[tag].query_has);
		json_put_end(json->writer);
	}
	json_put_end(json->writer);
}

static void put_missing(const struct summary_json *json)
{
	const struct summary *s = json->summary;
	struct json_writer *writer = json->writer;

	json_put_array(writer, "missing");
	for (size_t i = 0; i < s->listed_count; i++) {
		size_t tag = s->listed[i];

		if (s->tag_facts[tag].query_has)
			continue;
		json_put_object(writer, NULL);
		put_listed(json, tag);
		json_put_array(writer, "held_by");
		for (size_t j = 0; j < s->neighbour_count; j++) {
			const struct summary_neighbour *neighbour =
				&s->neighbours[j];

			if (!neighbour->is_query &&
			    summary_has_tag(neighbour->profile, tag))
				json_put_text(writer, NULL, neighbour->name);
		}
		json_put_end(writer);
		json_put_end(writer);
	}
	json_put_end(writer);
}

static void put_group(const struct summary_json *json)
{
	struct json_writer *writer = json->writer;

	json_put_object(writer, "group");
	json_put_count(writer, "members", json->summary->group);
	json_put_count(writer, "tags_compared", json->summary->compared);
	json_put_text(writer, "expected_from",
		      "customers of the same tenth by number of tags");
	json_put_bool(writer, "chosen_on_these_events", true);
	put_over_represented(json);
	put_missing(json);
	json_put_end(writer);
}

/* Where there are no neighbours, why. */
static void put_note(const struct summary_json *json)
{
	const char *reason = "no one is left to be similar";

	if (json->summary->neighbour_count > 0)
		return;
	if (json->summary->zero_vector)
		reason = "no tag with weight, so no one is similar";
	else if (json->summary->metadata.candidates > 0)
		reason = "no one has the least similarity or more";
	json_put_text(json->writer, "note", reason);
}

/* ----------------------------------------------------------------- objects */

void summary_json_put(struct json_writer *writer, const struct summary *summary,
		      const struct display_names *names)
{
	const struct summary_json json = {writer, summary, names};

	put_customer(&json, summary->query);
	put_model(&json);
	put_profile(&json);
	put_neighbours(&json);
	put_group(&json);
	put_note(&json);
}

void summary_json_put_list(struct json_writer *writer,
			   const struct summary *summary,
			   const struct display_names *names)
{
	const struct summary_json json = {writer, summary, names};

	put_customer(&json, summary->query);
	put_model(&json);
	put_neighbours(&json);
	put_note(&json);
}

void summary_json_put_profile(struct json_writer *writer,
			      const struct summary *summary,
			      const struct display_names *names)
{
	const struct summary_json json = {writer, summary, names};
	const struct summary_profile *profile = &summary->profiles[0];

	put_customer(&json, summary->query);
	put_model(&json);
	put_profile(&json);
	json_put_array(writer, "tags");
	for (size_t i = 0; i < profile->count; i++) {
		const struct profile_value *value = &profile->values[i];

		json_put_object(writer, NULL);
		put_tag(&json, value->tag);
		json_put_real(writer, "value", value->value, 9);
		put_customers(&json, value->tag);
		json_put_end(writer);
	}
	json_put_end(writer);
}
