/* summary_group: the part of a summary's text that says what its neighbours
 * share: a table of the tags that they have more often than expected, those
 * that the query lacks, and how far such figures may be trusted. */
#ifndef EXPLAIN_SUMMARY_GROUP_H
#define EXPLAIN_SUMMARY_GROUP_H

#include "explain/summary_page.h"

/* Write the part; enrichment_test has been called for the summary. */
void summary_group_write(struct summary_page *page);

#endif
