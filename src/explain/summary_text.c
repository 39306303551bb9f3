#include "explain/summary_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/control_chars.h"
#include "base/errors.h"
#include "base/number.h"
#include "explain/enrichment.h"
#include "explain/neighbours_tsv.h"

enum { WIDTH = 80 };

/* How many tags are said to set the customer apart. */
enum { APART = 3 };

/* A share of a similarity beyond this many times it says nothing. */
static const double largest_share = 10;

struct page {
	const struct summary *summary;
	const struct display_names *names;
	struct output *output;
	size_t used;  /* columns of the line being written */
	char **texts; /* those that the page made, freed with it */
	size_t count, room;
};

/* ------------------------------------------------------------------- texts */

/* Columns that a UTF-8 text takes: its characters. */
static size_t columns(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static char *keep(struct page *page, char *text)
{
	page->texts = alloc_grow(page->texts, &page->room, page->count + 1,
				 sizeof *page->texts);
	page->texts[page->count++] = text;
	return text;
}

/* A text that lasts as long as the page. */
static char *printed(struct page *page, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static char *printed(struct page *page, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		die("out of memory");
	return keep(page, text);
}

/* The name as a terminal may see it. */
static const char *shown(struct page *page, const char *name)
{
	size_t length = strlen(name);
	char *text = keep(page, alloc(alloc_product(length, 4) + 1, 1));

	control_chars_escape(text, name, length);
	return text;
}

/* The id, with the name that people know before it: "Python (17)". */
static const char *with_name(struct page *page,
			     const struct display_name_set *set, const char *id)
{
	const char *label = display_names_find(set, id, strlen(id));

	if (label == NULL)
		return shown(page, id);
	return shown(page, printed(page, "%s (%s)", label, id));
}

static const char *customer(struct page *page, const char *id)
{
	return with_name(page, &page->names->customers, id);
}

static const char *query(struct page *page)
{
	return customer(page, page->summary->query);
}

static const char *tag_text(struct page *page, const char *id)
{
	return with_name(page, &page->names->tags, id);
}

static const char *tag_name(struct page *page, size_t tag)
{
	return tag_text(page, summary_tag_name(page->summary, tag));
}

static const char *commas(struct page *page, int64_t count)
{
	char text[NUMBER_TEXT];

	return printed(page, "%s", number_commas(text, (uint64_t)count));
}

/* ------------------------------------------------------------------- lines */

static void put(struct page *page, const char *text)
{
	output_text(page->output, text);
	page->used += columns(text);
}

static void end_line(struct page *page)
{
	output_text(page->output, "\n");
	page->used = 0;
}

/* The text behind a space, or on the next line where it does not fit. */
static void put_piece(struct page *page, const char *text)
{
	if (page->used > 0 && page->used + 1 + columns(text) > WIDTH)
		end_line(page);
	else if (page->used > 0)
		put(page, " ");
	put(page, text);
}

/* The words of the text, each a piece. */
static void put_words(struct page *page, char *text)
{
	for (char *word; (word = strsep(&text, " ")) != NULL;)
		put_piece(page, word);
}

/* The text at the left or the right of a column. */
static void put_left(struct page *page, const char *text, size_t width)
{
	size_t wide = columns(text);

	put(page, text);
	for (; wide < width; wide++)
		put(page, " ");
}

static void put_right(struct page *page, const char *text, size_t width)
{
	for (size_t wide = columns(text); wide < width; wide++)
		put(page, " ");
	put(page, text);
}

/* ------------------------------------------------------------------- title */

/* " in FILE", where only the customers in a file could be neighbours. */
static const char *in_file(struct page *page)
{
	const char *among = page->summary->metadata.among;

	return *among ? printed(page, " in %s", shown(page, among)) : "";
}

/* How many customers could be neighbours, the asked one not counted. */
static const char *others(struct page *page)
{
	const struct summary *s = page->summary;

	return commas(page,
		      s->metadata.candidates - (s->group < s->neighbour_count));
}

static char *weighted_by(struct page *page)
{
	const struct model_metadata *metadata = &page->summary->metadata;
	const char *value = shown(page, metadata->value);

	if (strcmp(metadata->kind, "one") == 0)
		return printed(page, "each counted once");
	if (strcmp(metadata->kind, "events") == 0)
		return printed(page, "weighed by number of events");
	if (strcmp(metadata->kind, "mean") == 0)
		return printed(page, "weighed by mean %s", value);
	return printed(page, "weighed by %s", value);
}

static void put_title(struct page *page)
{
	const struct summary *s = page->summary;
	const char *file = in_file(page);
	const char *count =
		s->group == 1 ? "" : printed(page, "%zu ", s->group);

	put_words(page, printed(page,
				"Customer %s and the %smost similar of %s%s, "
				"compared by %s %s",
				query(page), count, others(page),
				*file ? file : " others",
				commas(page, s->metadata.tags),
				s->metadata.tags == 1 ? "tag" : "tags"));
	end_line(page);
	put_words(page,
		  printed(page, "(%s by %s, %s)",
			  shown(page, s->metadata.customer),
			  shown(page, s->metadata.tag), weighted_by(page)));
	end_line(page);
}

/* Why there are fewer than were asked for. */
static void put_filter(struct page *page)
{
	const struct model_metadata *metadata = &page->summary->metadata;
	char least[NUMBER_TEXT], *text;

	if ((int64_t)page->summary->neighbour_count >= metadata->asked)
		return;
	number_write(least, metadata->min_similarity,
		     NEIGHBOURS_SIMILARITY_DIGITS);
	if (!isnan(metadata->min_similarity) && metadata->matching < 0)
		text = printed(
			page,
			"%s of the customers looked at%s %s a "
			"similarity of %s or more",
			commas(page, (int64_t)page->summary->neighbour_count),
			in_file(page),
			page->summary->neighbour_count == 1 ? "has" : "have",
			least);
	else if (!isnan(metadata->min_similarity))
		text = printed(page,
			       "%s of the %s customers%s %s a similarity of "
			       "%s or more",
			       commas(page, metadata->matching),
			       commas(page, metadata->candidates),
			       in_file(page),
			       metadata->matching == 1 ? "has" : "have", least);
	else
		text = printed(page,
			       "%s customers%s could be compared, of %s asked "
			       "for",
			       commas(page, metadata->candidates),
			       in_file(page), commas(page, metadata->asked));
	put_words(page, text);
	end_line(page);
}

/* ------------------------------------------------------------------- query */

/* A tag of the query and its value; flags have none that is worth a word. */
static char *apart(struct page *page, const struct tag_value *value)
{
	char text[NUMBER_TEXT];
	const char *name = tag_name(page, value->tag);

	if (strcmp(page->summary->metadata.kind, "one") == 0)
		return printed(page, "%s", name);
	return printed(page, "%s %s", name,
		       summary_format_value(text, value->value));
}

/* The first tags of the profile, those that it has. */
static void put_apart(struct page *page)
{
	const struct summary_profile *profile = &page->summary->profiles[0];
	char *last = NULL;
	size_t count = 0;

	for (size_t i = 0; i < profile->count && count < APART; i++) {
		if (profile->values[i].value <= 0)
			continue;
		if (last != NULL)
			put_piece(page, printed(page, "%s,", last));
		last = apart(page, &profile->values[i]);
		count++;
	}
	if (last == NULL)
		return;
	put_piece(page, last);
	end_line(page);
}

static void put_profile(struct page *page)
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
		in_all = printed(
			page, ", %s in all",
			summary_format_value(value, summary_total(profile)));
	end_line(page);
	put_words(page, printed(page, "%s has %zu %s%s.%s", query(page), held,
				held == 1 ? "tag" : "tags", in_all,
				held > 0 ? "  What sets it apart:" : ""));
	end_line(page);
	put_apart(page);
}

/* ----------------------------------------------------------------- members */

/* "DIAPERS 41 %", or the contribution where a share says nothing. */
static char *reason(struct page *page,
		    const struct summary_neighbour *neighbour,
		    const struct tag_contribution *contribution)
{
	const char *name = summary_tag_name(page->summary, contribution->tag);
	const char *tag =
		*name ? tag_text(page, name) : "(all tags, by centring)";
	double share = neighbour->similarity > 0
			       ? contribution->amount / neighbour->similarity
			       : largest_share;

	if (share < largest_share && share > -largest_share)
		return printed(page, "%s %.0f %%", tag, 100 * share);
	return printed(page, "%s %.*f", tag, NEIGHBOURS_CONTRIBUTION_DECIMALS,
		       contribution->amount);
}

/* As many reasons as fit, the first in any case. */
static void put_reasons(struct page *page,
			const struct summary_neighbour *neighbour)
{
	for (size_t i = 0; i < neighbour->count; i++) {
		char *text =
			reason(page, neighbour, &neighbour->contributions[i]);

		if (i > 0 && page->used + 2 + columns(text) > WIDTH)
			return;
		put(page, i > 0 ? ", " : "  ");
		put(page, text);
	}
}

static void put_neighbour(struct page *page,
			  const struct summary_neighbour *neighbour,
			  size_t width)
{
	put_right(page, printed(page, "%zu", neighbour->rank), 4);
	put(page, "  ");
	put_right(page, customer(page, neighbour->name), width);
	put(page, "  ");
	put_right(page, printed(page, "%.3f", neighbour->similarity), 10);
	put_reasons(page, neighbour);
	end_line(page);
}

static void put_neighbours(struct page *page)
{
	const struct summary *s = page->summary;
	size_t width = strlen("customer");
	bool why = false;

	for (size_t i = 0; i < s->neighbour_count; i++) {
		size_t wide = columns(customer(page, s->neighbours[i].name));

		width = wide > width ? wide : width;
		why = why || s->neighbours[i].count > 0;
	}
	end_line(page);
	put(page, "      ");
	put_right(page, "customer", width);
	put(page, "  similarity");
	put(page, why ? "  why (share of the similarity)" : "");
	end_line(page);
	for (size_t i = 0; i < s->neighbour_count; i++)
		put_neighbour(page, &s->neighbours[i], width);
	/* The model has measured cosines. */
	if (strcmp(s->metadata.metric, "cosine") != 0)
		return;
	put_words(page, printed(page,
				"Two customers picked at random have %.2f; one "
				"pair in a hundred %.2f or more.",
				s->metadata.median_pair,
				s->metadata.top_percent_pair));
	end_line(page);
}

/* ------------------------------------------------------------------- group */

/* The columns of the table: of names, of three figures, of the query. */
struct widths {
	size_t name, figure, query;
};

static void widen(size_t *width, size_t needed)
{
	if (*width < needed)
		*width = needed;
}

static char *share_of(struct page *page, size_t tag)
{
	return printed(page, "%zu of %zu",
		       page->summary->tag_facts[tag].members,
		       page->summary->group);
}

static struct widths measure(struct page *page)
{
	const struct summary *s = page->summary;
	struct widths widths = {.name = 25, .figure = 11, .query = 11};

	for (size_t i = 0; i < s->listed_count; i++) {
		widen(&widths.name, columns(tag_name(page, s->listed[i])) + 2);
		widen(&widths.figure,
		      columns(share_of(page, s->listed[i])) + 2);
	}
	widen(&widths.query, columns(query(page)) + 2);
	return widths;
}

static void put_row(struct page *page, const struct widths *widths,
		    const char *const cells[5])
{
	put_left(page, cells[0], widths->name);
	for (int i = 1; i <= 3; i++)
		put_right(page, cells[i], widths->figure);
	put_right(page, cells[4], widths->query);
	end_line(page);
}

static void put_shared_tag(struct page *page, const struct widths *widths,
			   size_t i)
{
	const struct summary_tag *tag = &page->summary->tag_facts[i];
	const char *const cells[5] = {
		printed(page, "  %s", tag_name(page, i)),
		share_of(page, i),
		printed(page, "%.1f", tag->expected),
		printed(page, "%.1f", summary_ratio(tag)),
		tag->query_has ? "has it" : "has not",
	};

	put_row(page, widths, cells);
}

static void put_shared(struct page *page)
{
	const struct summary *s = page->summary;
	struct widths widths = measure(page);
	const char *const head[5] = {
		printed(page, "What the %zu share", s->group),
		"have it",
		"expected",
		"times",
		query(page),
	};

	put_row(page, &widths, head);
	for (size_t i = 0; i < s->listed_count; i++)
		put_shared_tag(page, &widths, s->listed[i]);
	put_words(page,
		  printed(page, "Expected: of %zu customers with as many tags.",
			  s->group));
	end_line(page);
}

static void put_missing(struct page *page)
{
	const struct summary *s = page->summary;
	char *last = NULL;

	for (size_t i = 0; i < s->listed_count; i++) {
		const struct summary_tag *tag = &s->tag_facts[s->listed[i]];

		if (tag->query_has)
			continue;
		if (last == NULL)
			end_line(page);
		put_piece(page, last ? printed(page, "%s,", last)
				     : printed(page, "What %s may be missing:",
					       query(page)));
		last = printed(page,
			       "%s (%zu of the %zu have it, %.1f expected)",
			       tag_name(page, s->listed[i]), tag->members,
			       s->group, tag->expected);
	}
	if (last == NULL)
		return;
	put_piece(page, last);
	end_line(page);
}

static void put_group(struct page *page)
{
	const struct summary *s = page->summary;

	end_line(page);
	if (s->listed_count > 0) {
		put_shared(page);
		put_missing(page);
		end_line(page);
		put_words(page,
			  printed(page,
				  "The %zu were chosen by these same events, "
				  "so such figures are high by construction: "
				  "of events held back they would share less.",
				  s->group));
	} else if (s->group >= ENRICHMENT_MIN_MEMBERS) {
		put_words(page, printed(page,
					"The %zu share nothing beyond what "
					"customers as active share.",
					s->group));
	} else {
		put_words(page, printed(page,
					"It takes %d neighbours or more to "
					"tell what they share.",
					ENRICHMENT_MIN_MEMBERS));
	}
	end_line(page);
}

void summary_text_write(const struct summary *summary,
			const struct display_names *names,
			struct output *output)
{
	struct page page = {
		.summary = summary, .names = names, .output = output};

	put_title(&page);
	put_filter(&page);
	put_profile(&page);
	put_neighbours(&page);
	put_group(&page);
	for (size_t i = 0; i < page.count; i++)
		free(page.texts[i]);
	free(page.texts);
}
