/* summary_page: a summary being written as text (explain/summary_text.h), and
 * how names and counts read in it. */
#ifndef EXPLAIN_SUMMARY_PAGE_H
#define EXPLAIN_SUMMARY_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "explain/display_names.h"
#include "explain/summary.h"
#include "explain/text_lines.h"

/* Summary and names are borrowed. */
struct summary_page {
	const struct summary *summary;
	const struct display_names *names;
	struct text_lines lines;
};

/* Texts, which last as long as page->lines. */

/* An id of a customer or a tag, behind the name that people know where there is
 * one, control characters escaped: "Python (17)". */
const char *summary_page_customer(struct summary_page *page, const char *id);
const char *summary_page_tag_text(struct summary_page *page, const char *id);

/* The same of the query, and of a tag of the summary. */
const char *summary_page_query(struct summary_page *page);
const char *summary_page_tag(struct summary_page *page, size_t tag);

/* A count with commas between thousands. */
const char *summary_page_commas(struct summary_page *page, int64_t count);

#endif
