/* ivf_search: k nearest neighbours by the cosine with an inverted-file index:
 * exact, from int8 codes, or approximate, in the cells nearest to the query.
 * Scores are those of search/exact_search.h to the bit. */
#ifndef SEARCH_IVF_SEARCH_H
#define SEARCH_IVF_SEARCH_H

#include <stddef.h>

#include "search/ivf_index.h"
#include "search/search_query.h"

/* As exact_search_run.  probes 0: exact.  Otherwise the results are the best
 * among the rows in that many cells, the nearest to the query first, and in as
 * many more as it takes to hold limit + 1 rows that are allowed (one may be the
 * query's own).  counts has the number of allowed rows in each cell, by
 * ivf_index_count: of this index, or summed over indexes that share their
 * centroids, so that a query scans the same cells in each; NULL: of this.
 * result.candidates is as for an exact search; matching counts the rows
 * scanned.  Error texts also name a damaged index. */
const char *ivf_search_run(const struct ivf_index *index,
			   const struct search_options *search, size_t probes,
			   const size_t *counts, struct search_batch *batch);

#endif
