/* combined_indexed: the way of search/combined_search.h that finds results by
 * the inverted index: candidates and their bounds
 * (search/combined_candidates.h), and exact scores in order of falling upper
 * bounds.  Where the threshold proves nothing about rows that share no tag with
 * the query, all rows are scanned later (search/combined_deferred.h). */
#ifndef SEARCH_COMBINED_INDEXED_H
#define SEARCH_COMBINED_INDEXED_H

#include "search/combined_job.h"

/* Push the results of a query, which is no zero vector, to its top-k list.
 * False if the query is deferred, and its list not complete. */
bool combined_indexed_search(struct combined_job *job,
			     struct active_query *active,
			     struct combined_worker *worker);

#endif
