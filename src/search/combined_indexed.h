/* combined_indexed: the way of search/combined_search.h that finds results by
 * the inverted index: candidates and their bounds
 * (search/combined_candidates.h), exact scores in order of falling upper
 * bounds, and, where the threshold proves nothing about rows that share no tag
 * with the query, a scan of the codes of all rows. */
#ifndef SEARCH_COMBINED_INDEXED_H
#define SEARCH_COMBINED_INDEXED_H

#include "search/combined_job.h"

/* Push the results of a query, which is no zero vector, to its top-k list. */
void combined_indexed_search(const struct combined_job *job,
			     struct active_query *active,
			     struct combined_worker *worker);

#endif
