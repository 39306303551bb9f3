/* report: a summary, written: as text of at most 80 columns where names
 * allow, as JSON, as TSV. */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "die.h"
#include "number.h"
#include "summary.h"
#include "table.h"

enum { WIDTH = 80, APART = 3, TOP = 5 };

/* Columns that a UTF-8 text takes: its characters. */
static int columns(const char *text)
{
	int count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* The text, and spaces up to the width: to the right of it, or left for a
 * negative one. */
static void put_padded(struct output *output, const char *text, int width)
{
	int missing = abs(width) - columns(text);

	if (width < 0 && missing > 0)
		output_print(output, "%*s", missing, "");
	output_text(output, text);
	if (width > 0 && missing > 0)
		output_print(output, "%*s", missing, "");
}

/* At most two decimals, and none where they are zeros: 201.91, 20, 1.5. */
static char *plain(char text[NUMBER_TEXT], double value)
{
	if (fabs(value) >= 1e15) {
		number_write(text, value, 9);
		return text;
	}
	snprintf(text, NUMBER_TEXT, "%.2f", value);
	/* What two decimals would show as nothing. */
	if (value != 0 && strspn(text, "-0.") == strlen(text))
		snprintf(text, NUMBER_TEXT, "%.3g", value);
	else {
		char *end = text + strlen(text);
		while (end[-1] == '0')
			*--end = '\0';
		if (end[-1] == '.')
			end[-1] = '\0';
	}
	return text;
}

static char *printed(char **text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A new text in place of the old one. */
static char *printed(char **text, const char *format, ...)
{
	va_list arguments;

	free(*text);
	va_start(arguments, format);
	if (vasprintf(text, format, arguments) < 0)
		die("out of memory");
	va_end(arguments);
	return *text;
}

static const char *tag_name(const struct summary *s, size_t tag)
{
	return names_text(&s->tags, tag);
}

static double number_of(const struct summary *s, const char *key)
{
	return strtod(summary_key(s, key), NULL);
}

static char *count_of(const struct summary *s, const char *key,
		      char text[NUMBER_TEXT])
{
	return number_commas(text, strtoull(summary_key(s, key), NULL, 10));
}

/* Values are sums of what a customer did, so that their total means
 * something. */
static bool is_sum(const struct summary *s)
{
	return strcmp(summary_key(s, "kind"), "sum") == 0;
}

static double total(const struct profile *profile)
{
	double sum = 0;

	for (size_t i = 0; i < profile->count; i++)
		sum += profile->holdings[i].value;
	return sum;
}

static size_t tags_held(const struct profile *profile)
{
	size_t count = 0;

	for (size_t i = 0; i < profile->count; i++)
		count += profile->holdings[i].value > 0;
	return count;
}

/* -------------------------------------------------------------------- text */

static void put_title(const struct summary *s, struct output *output)
{
	char others[NUMBER_TEXT], tags[NUMBER_TEXT];
	const char *kind = summary_key(s, "kind");

	output_print(output, "Customer %s and the ", s->query);
	if (s->member_count == 1)
		output_text(output, "most similar");
	else
		output_print(output, "%zu most similar", s->member_count);
	output_print(output, " of %s others, compared by %s tags\n",
		     count_of(s, "candidates", others),
		     count_of(s, "tags", tags));
	output_print(output, "(%s by %s, ", summary_key(s, "customer"),
		     summary_key(s, "tag"));
	if (strcmp(kind, "one") == 0)
		output_text(output, "each counted once)\n");
	else if (strcmp(kind, "events") == 0)
		output_text(output, "weighed by number of events)\n");
	else
		output_print(output, "weighed by %s%s)\n",
			     strcmp(kind, "mean") == 0 ? "mean " : "",
			     summary_key(s, "value"));
}

/* How a filter left fewer than were asked for. */
static void put_filter(const struct summary *s, struct output *output)
{
	const char *among = summary_key(s, "among");
	const char *least = summary_key(s, "min_similarity");
	long long matching = strtoll(summary_key(s, "matching"), NULL, 10);
	char candidates[NUMBER_TEXT], count[NUMBER_TEXT];

	if (s->member_count >= strtoull(summary_key(s, "asked"), NULL, 10) ||
	    (*among == '\0' && *least == '\0'))
		return;
	if (matching < 0)
		matching = (long long)s->member_count;
	output_print(output, "%s of the %s customers%s%s ",
		     number_commas(count, (uint64_t)matching),
		     count_of(s, "candidates", candidates),
		     *among ? " in " : "", among);
	if (*least != '\0')
		output_print(output, "have a similarity of %s or more\n",
			     least);
	else
		output_text(output, "could be compared\n");
}

static void put_profile(const struct summary *s, struct output *output)
{
	const struct profile *profile = &s->profiles[0];
	char number[NUMBER_TEXT];
	char *item = NULL;
	int used = 0;

	output_print(output, "\n%s has %zu tag%s", s->query,
		     tags_held(profile), tags_held(profile) == 1 ? "" : "s");
	if (is_sum(s))
		output_print(output, ", %s in all",
			     plain(number, total(profile)));
	output_text(output, ".  What sets it apart:\n");
	for (size_t i = 0; i < profile->count && i < APART; i++) {
		const struct holding *holding = &profile->holdings[i];
		printed(&item, "%s%s %s", i ? ", " : "",
			tag_name(s, holding->tag),
			plain(number, holding->value));
		used += columns(item);
		if (i > 0 && used > WIDTH)
			break;
		output_text(output, item);
	}
	output_text(output, "\n");
	free(item);
}

static const char *shown_tag(const char *tag)
{
	return *tag ? tag : "(centring)";
}

/* "DIAPERS 41 %, COUPONS 12 %": as many as fit, the first in any case. */
static void put_why(const struct member *member, struct output *output,
		    int used)
{
	char *item = NULL;

	for (size_t i = 0; i < member->count; i++) {
		const struct item *why = &member->items[i];
		if (member->score > 0)
			printed(&item, "%s%s %.0f %%", i ? ", " : "",
				shown_tag(why->tag),
				100 * why->amount / member->score);
		else
			printed(&item, "%s%s %.3f", i ? ", " : "",
				shown_tag(why->tag), why->amount);
		used += columns(item);
		if (i > 0 && used > WIDTH)
			break;
		output_text(output, item);
	}
	free(item);
}

static void put_members(const struct summary *s, struct output *output)
{
	int width = 8;
	char text[NUMBER_TEXT];
	bool why = false;

	for (size_t i = 0; i < s->member_count; i++) {
		if (columns(s->members[i].name) > width)
			width = columns(s->members[i].name);
		why = why || s->members[i].count > 0;
	}
	output_text(output, "\n      ");
	put_padded(output, "customer", -width);
	output_print(output, "  similarity%s\n",
		     why ? "  why (share of the similarity)" : "");
	for (size_t i = 0; i < s->member_count; i++) {
		const struct member *member = &s->members[i];
		output_print(output, "%4zu  ", member->rank);
		put_padded(output, member->name, -width);
		snprintf(text, sizeof text, "%12.3f", member->score);
		output_text(output, text);
		if (member->count > 0) {
			output_text(output, "  ");
			put_why(member, output, 6 + width + 14);
		}
		output_text(output, "\n");
	}
	output_print(output, "Two customers picked at random have %.2f; one "
		     "pair in a hundred %.2f or more.\n",
		     number_of(s, "median_pair"),
		     number_of(s, "top_percent_pair"));
}

static double ratio(const struct tag *tag)
{
	return (double)tag->members / tag->expected;
}

static void put_shared_rows(const struct summary *s, struct output *output,
			    int name_width, int query_width)
{
	char *text = NULL;

	for (size_t i = 0; i < s->listed_count; i++) {
		const struct tag *tag = &s->facts[s->listed[i]];
		output_text(output, "  ");
		put_padded(output, tag_name(s, s->listed[i]), name_width - 2);
		put_padded(output, printed(&text, "%zu of %zu", tag->members,
					   s->member_count), -10);
		put_padded(output, printed(&text, "%.1f", tag->expected), -11);
		if (tag->expected > 0)
			printed(&text, "%.1f", ratio(tag));
		else
			printed(&text, "-");
		put_padded(output, text, -11);
		put_padded(output, tag->has ? "has it" : "has not",
			   -query_width);
		output_text(output, "\n");
	}
	free(text);
}

static void put_shared(const struct summary *s, struct output *output)
{
	int name_width = 26, query_width = 11;
	char *title = NULL, *query = NULL;

	if (s->listed_count == 0) {
		output_print(output, "\nThe %zu share nothing beyond what "
			     "customers as active share.\n", s->member_count);
		return;
	}
	for (size_t i = 0; i < s->listed_count; i++)
		if (columns(tag_name(s, s->listed[i])) + 3 > name_width)
			name_width = columns(tag_name(s, s->listed[i])) + 3;
	printed(&query, "  %s", s->query);
	if (columns(query) > query_width)
		query_width = columns(query);
	output_text(output, "\n");
	put_padded(output, printed(&title, "What the %zu share",
				   s->member_count), name_width);
	output_text(output, "   have it   expected      times");
	put_padded(output, query, -query_width);
	output_text(output, "\n");
	put_shared_rows(s, output, name_width, query_width);
	output_print(output, "Expected: of %zu customers with as many tags.\n",
		     s->member_count);
	free(title);
	free(query);
}

static void put_missing(const struct summary *s, struct output *output)
{
	char *item = NULL;
	int used;
	size_t count = 0;

	printed(&item, "\nWhat %s may be missing:", s->query);
	used = columns(item) - 1;
	for (size_t i = 0; i < s->listed_count; i++) {
		const struct tag *tag = &s->facts[s->listed[i]];
		if (tag->has)
			continue;
		if (count == 0)
			output_text(output, item);
		printed(&item, " %s (%zu of the %zu have it, %.1f expected)",
			tag_name(s, s->listed[i]), tag->members,
			s->member_count, tag->expected);
		if (count > 0)
			output_text(output, ",");
		used += columns(item) + 1;
		if (count > 0 && used > WIDTH) {
			output_text(output, "\n ");
			used = columns(item) + 1;
		}
		output_text(output, item);
		count++;
	}
	if (count > 0)
		output_text(output, "\n");
	free(item);
}

void summary_text(const struct summary *summary, struct output *output)
{
	put_title(summary, output);
	put_filter(summary, output);
	put_profile(summary, output);
	put_members(summary, output);
	put_shared(summary, output);
	put_missing(summary, output);
	if (summary->listed_count > 0)
		output_print(output, "\nThe %zu were chosen by these same "
			     "events, so such figures are high by\n"
			     "construction: of events held back they would "
			     "share less.\n", summary->member_count);
}

/* -------------------------------------------------------------------- JSON */

/* A byte string as UTF-8: what is none becomes U+FFFD. */
static json_t *utf8(const char *text)
{
	json_t *value = json_string(text);
	size_t out = 0;

	if (value != NULL)
		return value;
	char *mended = alloc(3 * strlen(text) + 1, 1);
	while (*text != '\0') {
		int size = 0;
		json_t *part = NULL;
		while (part == NULL && size++ < 4)
			part = json_stringn(text, strnlen(text, (size_t)size));
		if (part != NULL) {
			memcpy(mended + out, text, strnlen(text, (size_t)size));
			out += strnlen(text, (size_t)size);
			text += strnlen(text, (size_t)size);
		} else {
			memcpy(mended + out, "\xef\xbf\xbd", 3);
			out += 3;
			text++;
		}
		json_decref(part);
	}
	value = json_string(mended);
	free(mended);
	return value;
}

static void put_string(struct output *output, const char *text)
{
	json_t *value = utf8(text);
	char *dumped = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	if (dumped == NULL)
		die("out of memory");
	output_text(output, dumped);
	free(dumped);
	json_decref(value);
}

/* "key": "text", with what comes before. */
static void put_pair(struct output *output, const char *before,
		     const char *key, const char *text)
{
	output_print(output, "%s\"%s\": ", before, key);
	put_string(output, text);
}

/* A number as the stream has it, or 0 where that is none. */
static const char *number_text(const char *text)
{
	double value;

	return number_real(text, &value) ? text : "0";
}

static void put_json_model(const struct summary *s, struct output *output)
{
	static const char *const counts[] = { "customers", "without_signal",
					      "tags", "dimensions" };

	put_pair(output, "\"columns\": {", "customer",
		 summary_key(s, "customer"));
	put_pair(output, ", ", "tag", summary_key(s, "tag"));
	put_pair(output, ", ", "value", summary_key(s, "value"));
	put_pair(output, "}, \"model\": {", "id", summary_key(s, "id"));
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		output_print(output, ", \"%s\": %s", counts[i],
			     number_text(summary_key(s, counts[i])));
	put_pair(output, ", ", "metric", summary_key(s, "metric"));
	output_print(output, ", \"median_pair\": %.3f"
		     ", \"top_percent_pair\": %.3f}",
		     number_of(s, "median_pair"),
		     number_of(s, "top_percent_pair"));
}

static void put_json_profile(const struct summary *s, struct output *output)
{
	const struct profile *profile = &s->profiles[0];
	char number[NUMBER_TEXT];

	output_print(output, ", \"profile\": {\"tags\": %zu, \"value\": %s, "
		     "\"top\": [", tags_held(profile),
		     plain(number, total(profile)));
	for (size_t i = 0; i < profile->count && i < TOP; i++) {
		const struct holding *holding = &profile->holdings[i];
		put_pair(output, i ? ", {" : "{", "tag",
			 tag_name(s, holding->tag));
		output_print(output, ", \"value\": %s, \"customers\": %lld}",
			     plain(number, holding->value),
			     (long long)s->facts[holding->tag].users);
	}
	output_text(output, "]}");
}

static bool holds(const struct profile *profile, size_t tag)
{
	for (size_t i = 0; i < profile->count; i++)
		if (profile->holdings[i].tag == tag)
			return profile->holdings[i].value > 0;
	return false;
}

static bool both_hold(const struct summary *s, const struct member *member,
		      const char *name)
{
	size_t tag = names_find(&s->tags, name, strlen(name));

	return tag != NAMES_NONE && holds(&s->profiles[0], tag) &&
		holds(member->profile, tag);
}

static void put_json_members(const struct summary *s, struct output *output)
{
	output_text(output, ", \"neighbours\": [");
	for (size_t i = 0; i < s->member_count; i++) {
		const struct member *member = &s->members[i];
		output_print(output, "%s{\"rank\": %zu", i ? ", " : "",
			     member->rank);
		put_pair(output, ", ", "customer", member->name);
		output_print(output, ", \"similarity\": %s, \"why\": [",
			     member->similarity);
		for (size_t j = 0; j < member->count; j++) {
			const struct item *item = &member->items[j];
			put_pair(output, j ? ", {" : "{", "tag", item->tag);
			output_print(output, ", \"contribution\": %s, "
				     "\"both\": %s}", item->text,
				     both_hold(s, member, item->tag) ?
				     "true" : "false");
		}
		output_print(output, "], \"other\": %s}",
			     member->other ? member->other
					   : member->similarity);
	}
	output_text(output, "]");
}

static void put_json_tag(const struct summary *s, struct output *output,
			 size_t i)
{
	const struct tag *tag = &s->facts[i];

	put_pair(output, "{", "tag", tag_name(s, i));
	output_print(output, ", \"members\": %zu, \"expected\": %.2f, "
		     "\"times\": ", tag->members, tag->expected);
	if (tag->expected > 0)
		output_print(output, "%.2f", ratio(tag));
	else
		output_text(output, "null");
}

static void put_json_group(const struct summary *s, struct output *output)
{
	output_print(output, ", \"group\": {\"members\": %zu, "
		     "\"tags_compared\": %zu, \"expected_from\": \"customers "
		     "of the same tenth by number of tags\", "
		     "\"chosen_on_these_events\": true, "
		     "\"over_represented\": [", s->member_count, s->compared);
	for (size_t i = 0; i < s->listed_count; i++) {
		const struct tag *tag = &s->facts[s->listed[i]];
		output_text(output, i ? ", " : "");
		put_json_tag(s, output, s->listed[i]);
		output_print(output, ", \"customers\": %lld, \"has\": %s}",
			     (long long)tag->users,
			     tag->has ? "true" : "false");
	}
	output_text(output, "]");
}

static void put_json_missing(const struct summary *s, struct output *output)
{
	const char *comma = "";

	output_text(output, ", \"missing\": [");
	for (size_t i = 0; i < s->listed_count; i++) {
		const char *between = "";
		if (s->facts[s->listed[i]].has)
			continue;
		output_text(output, comma);
		comma = ", ";
		put_json_tag(s, output, s->listed[i]);
		output_text(output, ", \"held_by\": [");
		for (size_t j = 0; j < s->member_count; j++) {
			if (!holds(s->members[j].profile, s->listed[i]))
				continue;
			output_text(output, between);
			between = ", ";
			put_string(output, s->members[j].name);
		}
		output_text(output, "]}");
	}
	output_text(output, "]}}\n");
}

void summary_json(const struct summary *summary, struct output *output)
{
	put_pair(output, "{", "customer", summary->query);
	output_text(output, ", ");
	put_json_model(summary, output);
	put_json_profile(summary, output);
	put_json_members(summary, output);
	put_json_group(summary, output);
	put_json_missing(summary, output);
}

/* --------------------------------------------------------------------- TSV */

void summary_tsv_header(struct output *output)
{
	output_text(output, "customer\ttag\tmembers\tof\texpected\ttimes\t"
		    "customers\thas\n");
}

void summary_tsv(const struct summary *summary, struct output *output)
{
	for (size_t i = 0; i < summary->listed_count; i++) {
		const struct tag *tag = &summary->facts[summary->listed[i]];
		const char *name = tag_name(summary, summary->listed[i]);
		table_write(output, summary->query, strlen(summary->query));
		output_text(output, "\t");
		table_write(output, name, strlen(name));
		output_print(output, "\t%zu\t%zu\t%.2f\t", tag->members,
			     summary->member_count, tag->expected);
		if (tag->expected > 0)
			output_print(output, "%.2f", ratio(tag));
		output_print(output, "\t%lld\t%d\n", (long long)tag->users,
			     tag->has);
	}
}
