/* combined_deferred: the part of search/combined_search.h for queries whose
 * threshold proves nothing about the rows that share no tag with them: all rows
 * are scanned by their bounds.  These queries are deferred until the others are
 * done, and then scanned together: a tile of BOUNDS_TILE rows is read once, and
 * compared with every query of a group. */
#ifndef SEARCH_COMBINED_DEFERRED_H
#define SEARCH_COMBINED_DEFERRED_H

#include "search/combined_job.h"

struct deferred_query {
	size_t query;                  /* its number in the job */
	struct combined_bounds bounds; /* owned */
	float threshold;               /* no result is below it */
	uint32_t *scored; /* scored_count rows that have a score, ascending;
			     owned */
	size_t scored_count;
};

/* Defer the query that the worker's candidates are of: its bounds and threshold
 * move to job->deferred, which has room for all queries. */
void combined_defer(struct combined_job *job, struct active_query *active,
		    struct combined_worker *worker);

/* Scan all rows for the deferred queries, by all threads, and push to their
 * top-k lists every row that the index has not found and that may be a result.
 * O(n) a query, and O(d) for each row whose norm alone proves nothing. */
void combined_deferred_run(struct combined_job *job);

/* Free the deferred queries. */
void combined_deferred_free(struct combined_job *job);

#endif
