#include "explain/summary_json.h"

#include <string.h>

#include "base/number.h"
#include "text/json_writer.h"
#include "text/tsv.h"

/* How many tags of the profile stand in the JSON, those that the customer
 * has. */
enum { TOP = 5 };

static const char *tag_name(const struct summary *s, size_t tag)
{
	return string_table_text(&s->tags, tag);
}

/* -------------------------------------------------------------------- JSON */

/* A customer by its id, and by name where there are names. */
static void put_customer(struct output *output,
			 const struct display_names *labels, const char *before,
			 const char *name)
{
	output_print(output, "%s\"customer\": ", before);
	if (*name == '\0')
		output_text(output, "null");
	else
		json_write_string(output, name, strlen(name));
	display_names_json(&labels->customers, name, strlen(name), output);
}

/* A tag likewise. */
static void put_named_tag(struct output *output,
			  const struct display_names *labels,
			  const char *before, const char *name)
{
	output_print(output, "%s\"tag\": ", before);
	json_write_string(output, name, strlen(name));
	display_names_json(&labels->tags, name, strlen(name), output);
}

/* "key": "text", with what comes before. */
static void put_pair(struct output *output, const char *before, const char *key,
		     const char *text)
{
	output_print(output, "%s\"%s\": ", before, key);
	json_write_string(output, text, strlen(text));
}

static void put_count(struct output *output, const char *key, int64_t count)
{
	output_print(output, ", \"%s\": %lld", key, (long long)count);
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void put_model(struct output *output,
		      const struct model_metadata *origin)
{
	put_pair(output, "\"columns\": {", "customer", origin->customer);
	put_pair(output, ", ", "tag", origin->tag);
	put_pair(output, ", ", "value", origin->value);
	put_pair(output, "}, \"model\": {", "id", origin->id);
	put_count(output, "customers", origin->customers);
	put_count(output, "without_signal", origin->without_signal);
	put_count(output, "tags", origin->tags);
	put_count(output, "dimensions", origin->dimensions);
	put_pair(output, ", ", "metric", origin->metric);
	output_print(output,
		     ", \"median_pair\": %.3f, \"top_percent_pair\": %.3f}",
		     origin->median_pair, origin->top_pair);
}

static void put_profile(struct output *output, const struct summary *s,
			const struct display_names *labels)
{
	const struct profile *profile = &s->profiles[0];
	char text[NUMBER_TEXT] = "null";
	size_t count = 0;

	if (summary_adds(s))
		summary_value(text, summary_total(profile));
	output_print(output,
		     ", \"profile\": {\"tags\": %zu, \"value\": %s, "
		     "\"top\": [",
		     summary_held(profile), text);
	for (size_t i = 0; i < profile->count && count < TOP; i++) {
		const struct tag_value *holding = &profile->holdings[i];

		if (holding->value <= 0)
			continue;
		put_named_tag(output, labels, count ? ", {" : "{",
			      tag_name(s, holding->tag));
		output_print(output, ", \"value\": %s",
			     summary_value(text, holding->value));
		put_count(output, "customers", s->facts[holding->tag].users);
		output_text(output, "}");
		count++;
	}
	output_text(output, "]}");
}

static bool both_hold(const struct summary *s, const struct member *member,
		      const char *name)
{
	size_t tag = string_table_find(&s->tags, name, strlen(name));

	return tag != STRING_TABLE_NONE &&
	       summary_holds(&s->profiles[0], tag) &&
	       summary_holds(member->profile, tag);
}

static void put_why(struct output *output, const struct summary *s,
		    const struct display_names *labels,
		    const struct member *member)
{
	output_text(output, ", \"why\": [");
	for (size_t i = 0; i < member->count; i++) {
		const struct item *item = &member->items[i];

		put_named_tag(output, labels, i ? ", {" : "{", item->tag);
		output_print(output, ", \"contribution\": %s", item->text);
		if (s->profile_count > 0)
			output_print(output, ", \"both\": %s",
				     truth(both_hold(s, member, item->tag)));
		output_text(output, "}");
	}
	output_print(output, "], \"other\": %s}",
		     member->other ? member->other : member->similarity);
}

static void put_members(struct output *output, const struct summary *s,
			const struct display_names *labels)
{
	output_text(output, ", \"neighbours\": [");
	for (size_t i = 0; i < s->member_count; i++) {
		const struct member *member = &s->members[i];

		output_print(output, "%s{\"rank\": %zu", i ? ", " : "",
			     member->rank);
		put_customer(output, labels, ", ", member->name);
		output_print(output, ", \"similarity\": %s",
			     member->similarity);
		put_why(output, s, labels, member);
	}
	output_text(output, "]");
}

/* A listed tag; the object is left open. */
static void put_tag(struct output *output, const struct summary *s,
		    const struct display_names *labels, size_t i)
{
	const struct tag *tag = &s->facts[i];

	put_named_tag(output, labels, "{", tag_name(s, i));
	output_print(output,
		     ", \"members\": %zu, \"expected\": %.2f, \"times\": %.2f",
		     tag->members, tag->expected, summary_times(tag));
}

static void put_group(struct output *output, const struct summary *s,
		      const struct display_names *labels)
{
	output_print(output,
		     ", \"group\": {\"members\": %zu, \"tags_compared\": %zu, "
		     "\"expected_from\": \"customers of the same tenth by "
		     "number of tags\", \"chosen_on_these_events\": true, "
		     "\"over_represented\": [",
		     s->group, s->compared);
	for (size_t i = 0; i < s->listed_count; i++) {
		const struct tag *tag = &s->facts[s->listed[i]];

		output_text(output, i ? ", " : "");
		put_tag(output, s, labels, s->listed[i]);
		put_count(output, "customers", tag->users);
		output_print(output, ", \"has\": %s}", truth(tag->has));
	}
	output_text(output, "]");
}

static void put_holders(struct output *output, const struct summary *s,
			size_t tag)
{
	const char *between = "";

	output_text(output, ", \"held_by\": [");
	for (size_t i = 0; i < s->member_count; i++) {
		const struct member *member = &s->members[i];

		if (member->self || !summary_holds(member->profile, tag))
			continue;
		output_text(output, between);
		json_write_string(output, member->name, strlen(member->name));
		between = ", ";
	}
	output_text(output, "]}");
}

static void put_missing(struct output *output, const struct summary *s,
			const struct display_names *labels)
{
	const char *between = "";

	output_text(output, ", \"missing\": [");
	for (size_t i = 0; i < s->listed_count; i++) {
		if (s->facts[s->listed[i]].has)
			continue;
		output_text(output, between);
		put_tag(output, s, labels, s->listed[i]);
		put_holders(output, s, s->listed[i]);
		between = ", ";
	}
	output_text(output, "]}");
}

/* The end of the object, and where there are no neighbours, why. */
static void put_note(struct output *output, const struct summary *s)
{
	const char *reason = "no one is left to be similar";

	if (s->member_count > 0) {
		output_text(output, "}\n");
		return;
	}
	output_text(output, ", \"note\": ");
	if (s->silent)
		reason = "no tag with weight, so no one is similar";
	else if (s->origin.candidates > 0)
		reason = "no one has the least similarity or more";
	json_write_string(output, reason, strlen(reason));
	output_text(output, "}\n");
}

void summary_json_write(const struct summary *summary,
			const struct display_names *labels,
			struct output *output)
{
	put_customer(output, labels, "{", summary->query);
	output_text(output, ", ");
	put_model(output, &summary->origin);
	put_profile(output, summary, labels);
	put_members(output, summary, labels);
	put_group(output, summary, labels);
	put_missing(output, summary, labels);
	put_note(output, summary);
}

void summary_json_write_list(const struct summary *summary,
			     const struct display_names *labels,
			     struct output *output)
{
	put_customer(output, labels, "{", summary->query);
	output_text(output, ", ");
	put_model(output, &summary->origin);
	put_members(output, summary, labels);
	put_note(output, summary);
}

void summary_json_write_profile(const struct summary *summary,
				const struct display_names *labels,
				struct output *output)
{
	const struct profile *profile = &summary->profiles[0];
	char text[NUMBER_TEXT];

	put_customer(output, labels, "{", summary->query);
	output_text(output, ", ");
	put_model(output, &summary->origin);
	put_profile(output, summary, labels);
	output_text(output, ", \"tags\": [");
	for (size_t i = 0; i < profile->count; i++) {
		const struct tag_value *holding = &profile->holdings[i];

		put_named_tag(output, labels, i ? ", {" : "{",
			      tag_name(summary, holding->tag));
		number_write(text, holding->value, 9);
		output_print(output, ", \"value\": %s", text);
		put_count(output, "customers",
			  summary->facts[holding->tag].users);
		output_text(output, "}");
	}
	output_text(output, "]}\n");
}

/* --------------------------------------------------------------------- TSV */

void summary_tsv_write_header(struct output *output)
{
	output_text(output, "customer\ttag\tmembers\tof\texpected\ttimes\t"
			    "customers\thas\n");
}

void summary_tsv_write(const struct summary *summary, struct output *output)
{
	for (size_t i = 0; i < summary->listed_count; i++) {
		const struct tag *tag = &summary->facts[summary->listed[i]];
		const char *name = tag_name(summary, summary->listed[i]);

		tsv_write_field(output, summary->query, strlen(summary->query));
		output_text(output, "\t");
		tsv_write_field(output, name, strlen(name));
		output_print(output, "\t%zu\t%zu\t%.2f\t%.2f\t%lld\t%d\n",
			     tag->members, summary->group, tag->expected,
			     summary_times(tag), (long long)tag->users,
			     tag->has);
	}
}
