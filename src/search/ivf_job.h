/* ivf_job: the state of one call of search/ivf_search.h, private to the modules
 * that it is made of: search/ivf_scan.h for few queries, search/ivf_panel.h for
 * many. */
#ifndef SEARCH_IVF_JOB_H
#define SEARCH_IVF_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/ivf_index.h"
#include "search/search_query.h"

struct ivf_job {
	const struct ivf_index *index;
	const struct exact_search *search;
	const struct search_query *queries;
	size_t count;
	struct search_result *results;
	struct filter_refine filter;      /* of many queries */
	const struct int8_kernel *bounds; /* of few */
	double *factors;     /* count: unit = vector * factor; 0: all zeros */
	struct topk *lists;  /* of each query, or place in the order */
	uint32_t **cells;    /* of each query: cells to look at; NULL: all */
	size_t *cell_counts; /* how many */
	uint32_t *order;     /* queries by their nearest cell */
	float *thresholds; /* of each place: a score must be above, by bytes */
	size_t *allowed_counts; /* of each cell: customers that are allowed */
	const size_t *counts;   /* the same, maybe of several indexes */
	size_t all_eligible;
	size_t panel;
	_Atomic size_t bad_row; /* a row that is damaged */
	_Atomic bool bad_place; /* a place has a row that there is not */
};

/* The row at a place of the index, or ROW_NONE: the place is padding, the row
 * is self, or it may not be a result.  Sets job->bad_place where the index is
 * damaged. */
size_t ivf_job_row(struct ivf_job *job, size_t place, size_t self);

/* Push a row with its exact score by a query's unit vector (d); scratch has
 * room for d.  Sets job->bad_row where the row is not finite, or zero. */
void ivf_job_push(struct ivf_job *job, struct topk *list, const float *unit,
		  size_t row, float *scratch);

/* Begin the lists first to end - 1. */
void ivf_job_begin_lists(struct ivf_job *job, size_t first, size_t end);

/* A lower score cannot enter the list, or is not wanted. */
float ivf_job_threshold(const struct ivf_job *job, const struct topk *list);

#endif
