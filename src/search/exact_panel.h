/* exact_panel: exact search for many queries: a panel of queries against a
 * range of rows, packed block by block (search/filter_refine.h). */
#ifndef SEARCH_EXACT_PANEL_H
#define SEARCH_EXACT_PANEL_H

#include <stddef.h>

#include "search/exact_job.h"

/* Score queries first to first + count - 1 of the job against rows begin to
 * end - 1, which are range number range, into the lists of that range; raises
 * job->thresholds by what is found.  job->row_factors is set. */
void exact_panel_score(struct exact_job *job, size_t first, size_t count,
		       size_t range, size_t begin, size_t end);

#endif
