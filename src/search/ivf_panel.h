/* ivf_panel: search in the cells of an index for many queries, cell by cell:
 * the queries that scan a cell are compared with its blocks together
 * (search/filter_refine.h). */
#ifndef SEARCH_IVF_PANEL_H
#define SEARCH_IVF_PANEL_H

#include "search/ivf_job.h"

/* Search the cells in job->cells.  Sets job->order; begins and fills
 * job->lists, list i being that of query job->order[i]; adds the number of
 * queries to the progress. */
void ivf_panel_cells(struct ivf_job *job);

#endif
