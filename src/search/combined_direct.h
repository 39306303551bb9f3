/* combined_direct: the way of search/combined_search.h that computes the exact
 * score of every row: without an index, or where few rows may be results. */
#ifndef SEARCH_COMBINED_DIRECT_H
#define SEARCH_COMBINED_DIRECT_H

#include <stddef.h>

#include "search/combined_job.h"

/* Push every row of a range (0 to job->ranges - 1) that may be a result to the
 * query's top-k list.  Without an index each row is checked first, and counted
 * in job->eligible and job->zeros for the first query of the job.  O(values and
 * embeddings of the range). */
void combined_direct_search(struct combined_job *job,
			    struct active_query *active,
			    struct combined_worker *worker, size_t range);

#endif
