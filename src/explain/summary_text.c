#include "explain/summary_text.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "explain/neighbours_tsv.h"
#include "explain/summary_group.h"
#include "explain/summary_page.h"
#include "model/captured.h"

/* How many tags are said to set the customer apart. */
enum { APART = 3 };

/* A share of a similarity beyond this many times it says nothing. */
static const double largest_share = 10;

/* ------------------------------------------------------------------- title */

/* " in FILE", where only the customers in a file could be neighbours. */
static const char *in_file(struct summary_page *page)
{
	const char *among = page->summary->metadata.among;

	return *among ? text_lines_print(&page->lines, " in %s",
					 text_lines_escape(&page->lines, among))
		      : "";
}

/* How many customers could be neighbours, the query not counted. */
static const char *others(struct summary_page *page)
{
	const struct summary *s = page->summary;

	return summary_page_commas(
		page, s->metadata.candidates - (s->group < s->neighbour_count));
}

static char *weighted_by(struct summary_page *page)
{
	const struct model_metadata *metadata = &page->summary->metadata;
	const char *value = text_lines_escape(&page->lines, metadata->value);

	if (strcmp(metadata->kind, "one") == 0)
		return text_lines_print(&page->lines, "each counted once");
	if (strcmp(metadata->kind, "events") == 0)
		return text_lines_print(&page->lines,
					"weighed by number of events");
	if (strcmp(metadata->kind, "mean") == 0)
		return text_lines_print(&page->lines, "weighed by mean %s",
					value);
	return text_lines_print(&page->lines, "weighed by %s", value);
}

static void put_title(struct summary_page *page)
{
	const struct summary *s = page->summary;
	const char *file = in_file(page);
	const char *count = s->group == 1 ? ""
					  : text_lines_print(&page->lines,
							     "%zu ", s->group);

	text_lines_put_words(
		&page->lines,
		text_lines_print(&page->lines,
				 "Customer %s and the %smost similar of %s%s, "
				 "compared by %s %s",
				 summary_page_query(page), count, others(page),
				 *file ? file : " others",
				 summary_page_commas(page, s->metadata.tags),
				 s->metadata.tags == 1 ? "tag" : "tags"));
	text_lines_end(&page->lines);
	text_lines_put_words(
		&page->lines,
		text_lines_print(
			&page->lines, "(%s by %s, %s)",
			text_lines_escape(&page->lines, s->metadata.customer),
			text_lines_escape(&page->lines, s->metadata.tag),
			weighted_by(page)));
	text_lines_end(&page->lines);
}

/* Why there are fewer neighbours than the limit. */
static void put_filter(struct summary_page *page)
{
	const struct model_metadata *metadata = &page->summary->metadata;
	char threshold[NUMBER_TEXT], *text;

	if ((int64_t)page->summary->neighbour_count >= metadata->limit)
		return;
	number_write(threshold, metadata->min_similarity,
		     NEIGHBOURS_SIMILARITY_DIGITS);
	if (!isnan(metadata->min_similarity) && metadata->matching < 0)
		text = text_lines_print(
			&page->lines,
			"%s of the customers looked at%s %s a "
			"similarity of %s or more",
			summary_page_commas(
				page, (int64_t)page->summary->neighbour_count),
			in_file(page),
			page->summary->neighbour_count == 1 ? "has" : "have",
			threshold);
	else if (!isnan(metadata->min_similarity))
		text = text_lines_print(
			&page->lines,
			"%s of the %s customers%s %s a similarity of "
			"%s or more",
			summary_page_commas(page, metadata->matching),
			summary_page_commas(page, metadata->candidates),
			in_file(page), metadata->matching == 1 ? "has" : "have",
			threshold);
	else if (metadata->candidates > (int64_t)page->summary->neighbour_count)
		text = text_lines_print(
			&page->lines,
			"%s of the %s customers%s %s something with it, of %s "
			"asked for",
			summary_page_commas(
				page, (int64_t)page->summary->neighbour_count),
			summary_page_commas(page, metadata->candidates),
			in_file(page),
			page->summary->neighbour_count == 1 ? "shares"
							    : "share",
			summary_page_commas(page, metadata->limit));
	else
		text = text_lines_print(
			&page->lines,
			"%s customers%s could be compared, of %s asked "
			"for",
			summary_page_commas(page, metadata->candidates),
			in_file(page),
			summary_page_commas(page, metadata->limit));
	text_lines_put_words(&page->lines, text);
	text_lines_end(&page->lines);
}

/* ------------------------------------------------------------------- query */

/* A tag of the query and its value; flags have none that is worth a word. */
static char *apart(struct summary_page *page, const struct profile_value *value)
{
	char text[NUMBER_TEXT];
	const char *name = summary_page_tag(page, value->tag);

	if (strcmp(page->summary->metadata.kind, "one") == 0)
		return text_lines_print(&page->lines, "%s", name);
	return text_lines_print(&page->lines, "%s %s", name,
				summary_format_value(text, value->value));
}

/* The first tags of the profile, those that it has. */
static void put_apart(struct summary_page *page)
{
	const struct summary_profile *profile = &page->summary->profiles[0];
	char *last = NULL;
	size_t count = 0;

	for (size_t i = 0; i < profile->count && count < APART; i++) {
		if (profile->values[i].value <= 0)
			continue;
		if (last != NULL)
			text_lines_put_piece(
				&page->lines,
				text_lines_print(&page->lines, "%s,", last));
		last = apart(page, &profile->values[i]);
		count++;
	}
	if (last == NULL)
		return;
	text_lines_put_piece(&page->lines, last);
	text_lines_end(&page->lines);
}

/* Where the dimensions hold next to nothing of the query, what follows of it
 * for the metric. */
static void put_captured(struct summary_page *page)
{
	const struct model_metadata *metadata = &page->summary->metadata;
	bool by_rows = strcmp(metadata->metric, "combined") == 0;
	char share[NUMBER_TEXT];

	if (!(metadata->captured < CAPTURED_LOW) ||
	    strcmp(metadata->metric, "profile") == 0)
		return;
	captured_percent(share, metadata->captured);
	text_lines_put_words(
		&page->lines,
		text_lines_print(
			&page->lines, "The %s dimensions hold %s %% of it: %s",
			summary_page_commas(page, metadata->dimensions), share,
			by_rows ? "it is compared by its tags rather than by them."
				: "neighbours by them may be chance."));
	text_lines_end(&page->lines);
}

static void put_profile(struct summary_page *page)
{
	const struct summary *s = page->summary;
	const struct summary_profile *profile = &s->profiles[0];
	size_t held = summary_count_tags(profile);
	const char *in_all = "";
	char value[NUMBER_TEXT];

	/* cs-aggregate calls the number of events "value", and a number of
	 * tags with a number of events beside it reads as one thing. */
	if (strcmp(s->metadata.kind, "sum") == 0 &&
	    strcmp(s->metadata.value, "value") != 0)
		in_all = text_lines_print(
			&page->lines, ", %s in all",
			summary_format_value(value, summary_total(profile)));
	text_lines_end(&page->lines);
	text_lines_put_words(
		&page->lines,
		text_lines_print(&page->lines, "%s has %zu %s%s.%s",
				 summary_page_query(page), held,
				 held == 1 ? "tag" : "tags", in_all,
				 held > 0 ? "  What sets it apart:" : ""));
	text_lines_end(&page->lines);
	put_apart(page);
	put_captured(page);
}

/* ----------------------------------------------------------------- members */

/* "DIAPERS 41 %", or the contribution where a share says nothing. */
static char *reason(struct summary_page *page,
		    const struct summary_neighbour *neighbour,
		    const struct contribution *contribution)
{
	const char *name = summary_tag_name(page->summary, contribution->tag);
	const char *tag = *name ? summary_page_tag_text(page, name)
				: "(all tags, by centring)";
	double share = neighbour->similarity > 0
			       ? contribution->amount / neighbour->similarity
			       : largest_share;

	if (share < largest_share && share > -largest_share)
		return text_lines_print(&page->lines, "%s %.0f %%", tag,
					100 * share);
	return text_lines_print(&page->lines, "%s %.*f", tag,
				NEIGHBOURS_CONTRIBUTION_DECIMALS,
				contribution->amount);
}

/* As many reasons as fit, the first in any case. */
static void put_reasons(struct summary_page *page,
			const struct summary_neighbour *neighbour)
{
	for (size_t i = 0; i < neighbour->count; i++) {
		char *text =
			reason(page, neighbour, &neighbour->contributions[i]);

		if (i > 0 && page->lines.used + 2 + text_lines_columns(text) >
				     TEXT_LINES_WIDTH)
			return;
		text_lines_put(&page->lines, i > 0 ? ", " : "  ");
		text_lines_put(&page->lines, text);
	}
}

static void put_neighbour(struct summary_page *page,
			  const struct summary_neighbour *neighbour,
			  size_t width)
{
	text_lines_put_right(
		&page->lines,
		text_lines_print(&page->lines, "%zu", neighbour->rank), 4);
	text_lines_put(&page->lines, "  ");
	text_lines_put_right(&page->lines,
			     summary_page_customer(page, neighbour->name),
			     width);
	text_lines_put(&page->lines, "  ");
	text_lines_put_right(
		&page->lines,
		text_lines_print(
			&page->lines, "%.3f",
			number_without_negative_zero(neighbour->similarity, 3)),
		10);
	put_reasons(page, neighbour);
	text_lines_end(&page->lines);
}

static void put_neighbours(struct summary_page *page)
{
	const struct summary *s = page->summary;
	size_t width = strlen("customer");
	bool why = false;

	for (size_t i = 0; i < s->neighbour_count; i++) {
		size_t wide = text_lines_columns(
			summary_page_customer(page, s->neighbours[i].name));

		width = wide > width ? wide : width;
		why = why || s->neighbours[i].count > 0;
	}
	text_lines_end(&page->lines);
	text_lines_put(&page->lines, "      ");
	text_lines_put_right(&page->lines, "customer", width);
	text_lines_put(&page->lines, "  similarity");
	text_lines_put(&page->lines,
		       why ? "  why (share of the similarity)" : "");
	text_lines_end(&page->lines);
	for (size_t i = 0; i < s->neighbour_count; i++)
		put_neighbour(page, &s->neighbours[i], width);
	if (s->metadata.tied > 0) {
		text_lines_put_words(
			&page->lines,
			text_lines_print(
				&page->lines,
				"The list ends with %zu of %s equally similar, "
				"the first by name.",
				summary_listed_tied(s),
				summary_page_commas(page, s->metadata.tied)));
		text_lines_end(&page->lines);
	}
	if (s->metadata.hub > 0) {
		text_lines_put_words(
			&page->lines,
			text_lines_print(&page->lines,
					 "In the order of similarity less half "
					 "the mean similarity of each to its "
					 "own ten nearest."));
		text_lines_end(&page->lines);
	}
	/* Products are not on a scale of their own. */
	if (strcmp(s->metadata.metric, "dot") == 0)
		return;
	text_lines_put_words(
		&page->lines,
		text_lines_print(
			&page->lines,
			"Two customers picked at random have %.2f; one "
			"pair in a hundred %.2f or more.",
			number_without_negative_zero(s->metadata.median_pair,
						     2),
			number_without_negative_zero(
				s->metadata.top_percent_pair, 2)));
	text_lines_end(&page->lines);
}

void summary_text_write(const struct summary *summary,
			const struct display_names *names,
			struct output *output)
{
	struct summary_page page = {.summary = summary,
				    .names = names,
				    .lines = {.output = output}};

	put_title(&page);
	put_filter(&page);
	put_profile(&page);
	put_neighbours(&page);
	summary_group_write(&page);
	text_lines_free(&page.lines);
}
