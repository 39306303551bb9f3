#include "explain/summary_group.h"

#include <stdbool.h>
#include <string.h>

#include "explain/enrichment.h"

/* Above this share of customers who have a tag, having it says little. */
static const double most_customers = 0.8;

/* The columns of the table: of names, of three figures, of the query. */
struct widths {
	size_t name, figure, query;
};

static void widen(size_t *width, size_t needed)
{
	if (*width < needed)
		*width = needed;
}

static char *share_of(struct summary_page *page, size_t tag)
{
	return text_lines_print(&page->lines, "%zu of %zu",
				page->summary->tag_facts[tag].members,
				page->summary->group);
}

/* "What the 10 share", or of a level of several "What the 10 share, product"
 * and "What the 10 share, other tags". */
static char *heading(struct summary_page *page, size_t level)
{
	const struct summary *s = page->summary;
	size_t length = 0;
	char *name;

	if (s->levels.prefixes.count == 0)
		return text_lines_print(&page->lines, "What the %zu share",
					s->group);
	if (level != TAG_PREFIX_NONE)
		length = tag_levels_name_length(&s->levels, level);
	if (length == 0)
		return text_lines_print(&page->lines,
					"What the %zu share, other tags",
					s->group);
	name = text_lines_print(&page->lines, "%.*s", (int)length,
				s->levels.prefixes.texts[level]);
	return text_lines_print(&page->lines, "What the %zu share, %s",
				s->group,
				text_lines_escape(&page->lines, name));
}

static struct widths measure(struct summary_page *page)
{
	const struct summary *s = page->summary;
	struct widths widths = {.name = 25, .figure = 11, .query = 11};

	for (size_t i = 0; i < s->listed_count; i++) {
		widen(&widths.name,
		      text_lines_columns(heading(
			      page, summary_tag_level(s, s->listed[i]))) +
			      2);
		widen(&widths.name,
		      text_lines_columns(summary_page_tag(page, s->listed[i])) +
			      2);
		widen(&widths.figure,
		      text_lines_columns(share_of(page, s->listed[i])) + 2);
	}
	widen(&widths.query, text_lines_columns(summary_page_query(page)) + 2);
	return widths;
}

static void put_row(struct summary_page *page, const struct widths *widths,
		    const char *const cells[5])
{
	text_lines_put_left(&page->lines, cells[0], widths->name);
	for (int i = 1; i <= 3; i++)
		text_lines_put_right(&page->lines, cells[i], widths->figure);
	text_lines_put_right(&page->lines, cells[4], widths->query);
	text_lines_end(&page->lines);
}

static void put_shared_tag(struct summary_page *page,
			   const struct widths *widths, size_t i)
{
	const struct summary_tag *tag = &page->summary->tag_facts[i];
	const char *const cells[5] = {
		text_lines_print(&page->lines, "  %s",
				 summary_page_tag(page, i)),
		share_of(page, i),
		text_lines_print(&page->lines, "%.1f", tag->expected),
		text_lines_print(&page->lines, "%.1f", summary_ratio(tag)),
		tag->query_has ? "has it" : "has not",
	};

	put_row(page, widths, cells);
}

/* The tags of a level, or those of none; nothing where none is listed. */
static void put_level(struct summary_page *page, const struct widths *widths,
		      size_t level)
{
	const struct summary *s = page->summary;
	const char *const head[5] = {
		heading(page, level),     "have it", "expected", "times",
		summary_page_query(page),
	};
	bool begun = false;

	for (size_t i = 0; i < s->listed_count; i++) {
		if (summary_tag_level(s, s->listed[i]) != level)
			continue;
		if (!begun)
			put_row(page, widths, head);
		begun = true;
		put_shared_tag(page, widths, s->listed[i]);
	}
}

static void put_shared(struct summary_page *page)
{
	const struct summary *s = page->summary;
	struct widths widths = measure(page);

	for (size_t i = 0; i < s->levels.prefixes.count; i++)
		put_level(page, &widths, i);
	put_level(page, &widths, TAG_PREFIX_NONE);
	if (s->left_out > 0) {
		text_lines_put(&page->lines,
			       text_lines_print(&page->lines,
						"  ... and %zu more",
						s->left_out));
		text_lines_end(&page->lines);
	}
	text_lines_put_words(
		&page->lines,
		text_lines_print(
			&page->lines,
			"Expected: of %zu customers with as many tags.",
			s->group));
	text_lines_end(&page->lines);
}

static void put_missing(struct summary_page *page)
{
	const struct summary *s = page->summary;
	char *last = NULL;

	for (size_t i = 0; i < s->listed_count; i++) {
		const struct summary_tag *tag = &s->tag_facts[s->listed[i]];

		if (tag->query_has)
			continue;
		if (last == NULL)
			text_lines_end(&page->lines);
		text_lines_put_piece(
			&page->lines,
			last ? text_lines_print(&page->lines, "%s,", last)
			     : text_lines_print(&page->lines,
						"What %s may be missing:",
						summary_page_query(page)));
		last = text_lines_print(
			&page->lines,
			"%s (%zu of the %zu have it, %.1f expected)",
			summary_page_tag(page, s->listed[i]), tag->members,
			s->group, tag->expected);
	}
	if (last == NULL)
		return;
	text_lines_put_piece(&page->lines, last);
	text_lines_end(&page->lines);
}

/* Such figures are high by construction; or what was measured instead. */
static void put_caution(struct summary_page *page)
{
	const struct summary *s = page->summary;
	struct text_lines *lines = &page->lines;

	if (s->held_out.value > 0)
		text_lines_put_words(
			lines,
			text_lines_print(
				lines,
				"The %zu were chosen by these same events, so "
				"such figures are high by construction: of "
				"tags listed like these, %.2f times the "
				"expected number were seen in events held back "
				"[%.2f, %.2f].",
				s->group, s->held_out.value, s->held_out.low,
				s->held_out.high));
	else
		text_lines_put_words(
			lines,
			text_lines_print(
				lines,
				"The %zu were chosen by these same events, "
				"so such figures are high by construction: "
				"of events held back they would share less.",
				s->group));
}

/* Whether most customers have the query's tags, on average. */
static bool is_dense(const struct summary *s)
{
	const struct summary_profile *profile = &s->profiles[0];
	double share = 0;
	size_t held = 0;

	for (size_t i = 0; i < profile->count; i++) {
		const struct summary_tag *tag =
			&s->tag_facts[profile->values[i].tag];

		if (profile->values[i].value <= 0)
			continue;
		share += (double)tag->counts.customers /
			 (double)s->metadata.customers;
		held++;
	}
	return held > 0 && share > most_customers * (double)held;
}

void summary_group_write(struct summary_page *page)
{
	const struct summary *s = page->summary;

	text_lines_end(&page->lines);
	if (s->listed_count > 0) {
		put_shared(page);
		put_missing(page);
		text_lines_end(&page->lines);
		put_caution(page);
	} else if (s->group >= ENRICHMENT_MIN_MEMBERS) {
		text_lines_put_words(
			&page->lines,
			text_lines_print(&page->lines,
					 "The %zu share nothing beyond what "
					 "customers as active share.%s",
					 s->group,
					 is_dense(s) ? "  Most customers have "
						       "these tags: alike is "
						       "how much of each."
						     : ""));
	} else {
		text_lines_put_words(
			&page->lines,
			text_lines_print(&page->lines,
					 "It takes %d neighbours or more to "
					 "tell what they share.",
					 ENRICHMENT_MIN_MEMBERS));
	}
	text_lines_end(&page->lines);
}
