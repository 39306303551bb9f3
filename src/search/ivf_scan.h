/* ivf_scan: search in an index query by query, block by block, by int8 upper
 * bounds; for few queries. */
#ifndef SEARCH_IVF_SCAN_H
#define SEARCH_IVF_SCAN_H

#include "search/ivf_job.h"

/* Exact: scan all blocks.  Begins and fills job->lists, one for each query;
 * adds the number of queries to the progress. */
void ivf_scan_all(struct ivf_job *job);

/* The same for the cells in job->cells only. */
void ivf_scan_cells(struct ivf_job *job);

#endif
