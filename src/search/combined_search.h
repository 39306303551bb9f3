/* combined_search: the k most similar customers by the similarities of
 * search/combined_score.h, exactly, of all customers.
 *
 * With an index: sums of products of quantized weights over the lists of the
 * query's tags bound the score of every row that shares a tag with the query,
 * from below and above (search/combined_bounds.h).  The largest sums are
 * bounded first; the k-th largest lower bound is a threshold that no result is
 * below, and exact scores are computed only of rows whose upper bound reaches
 * it.  Rows that share no tag are pruned where the threshold proves that they
 * cannot reach it; else their codes are scanned.  Without an index, or where
 * few rows may be results, every score is computed.
 *
 * Results are those of computing all scores: the same bits for any kernel,
 * number of threads, and number of queries in one call.  Order and counts are
 * those of search/exact_search.h; a row without weight is no result. */
#ifndef SEARCH_COMBINED_SEARCH_H
#define SEARCH_COMBINED_SEARCH_H

#include <stddef.h>

#include "search/combined_options.h"
#include "search/search_query.h"

/* Answer the queries of a batch; zeros are rows without weight.  Adds their
 * count to the progress.  NULL or an error text: a row is damaged or not
 * finite; there is nothing to free then. With an index O(postings of the
 * query's tags) a query for most data, without one O(values + n d). */
const char *combined_search_run(const struct combined_options *search,
				struct search_batch *batch);

/* Allocate the memory of up to so many threads, for matrices of m tags: about
 * 0.3 MB + 8 m bytes each.  One search at a time has it; another at the same
 * time allocates its own. */
struct combined_workspace *combined_workspace_new(unsigned threads, size_t m);
void combined_workspace_free(struct combined_workspace *workspace);

#endif
