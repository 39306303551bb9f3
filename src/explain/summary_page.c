#include "explain/summary_page.h"

#include <string.h>

#include "base/number.h"

/* The id, with the name that people know before it: "Python (17)". */
static const char *with_name(struct summary_page *page,
			     const struct display_name_set *set, const char *id)
{
	const char *label = display_names_find(set, id, strlen(id));

	if (label == NULL)
		return text_lines_escape(&page->lines, id);
	return text_lines_escape(
		&page->lines,
		text_lines_print(&page->lines, "%s (%s)", label, id));
}

const char *summary_page_customer(struct summary_page *page, const char *id)
{
	return with_name(page, &page->names->customers, id);
}

const char *summary_page_query(struct summary_page *page)
{
	return summary_page_customer(page, page->summary->query);
}

const char *summary_page_tag_text(struct summary_page *page, const char *id)
{
	return with_name(page, &page->names->tags, id);
}

const char *summary_page_tag(struct summary_page *page, size_t tag)
{
	return summary_page_tag_text(page,
				     summary_tag_name(page->summary, tag));
}

const char *summary_page_commas(struct summary_page *page, int64_t count)
{
	char text[NUMBER_TEXT];

	return text_lines_print(&page->lines, "%s",
				number_commas(text, (uint64_t)count));
}
