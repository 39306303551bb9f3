/* ivf_job: the state of one call of search/ivf_search.h, private to the modules
 * that it is made of: search/ivf_scan.h for few queries, search/ivf_panel.h for
 * many. */
#ifndef SEARCH_IVF_JOB_H
#define SEARCH_IVF_JOB_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/ivf_index.h"
#include "search/search_query.h"

struct ivf_job {
	const struct ivf_index *index;
	const struct search_options *search;
	const struct search_query *queries;
	size_t count;
	struct search_result *results;
	struct score_kernels filter;      /* for many queries */
	const struct int8_kernel *bounds; /* for few */
	double *factors; /* count: query vector times factor is compared; 0:
			    zero vector */
	struct topk
		*lists;   /* count: of each query, or of each place in order */
	uint32_t **cells; /* of each query: the cells to scan, nearest first;
			     NULL: all */
	size_t *cell_counts; /* of each query: the number of cells */
	uint32_t *order;     /* queries, sorted by their nearest cell */
	float *thresholds;   /* of each place in order: a score must be above it
			      */
	size_t *allowed_counts; /* of each cell: rows that are allowed */
	const size_t *counts;   /* the same, or summed over several indexes */
	size_t all_eligible;
	size_t panel;
	_Atomic size_t
		bad_row; /* a damaged row of the embedding, or ROW_NONE */
	_Atomic bool bad_place; /* a place has a row number out of range */
};

/* The row at a place of the index, or ROW_NONE: the place is padding, the row
 * is self, or it may not be a result.  Sets job->bad_place where the index is
 * damaged. */
static inline size_t ivf_job_row(struct ivf_job *job, size_t place, size_t self)
{
	int32_t row = job->index->rows[place];

	if (row < 0 || (size_t)row == self)
		return ROW_NONE;
	if ((size_t)row >= job->index->n) {
		job->bad_place = true;
		return ROW_NONE;
	}
	return search_allows(job->search, (size_t)row) ? (size_t)row : ROW_NONE;
}

/* Push a row with its exact score by a query's unit vector (d); scratch has
 * room for d.  Sets job->bad_row where the row is not finite, or zero. */
void ivf_job_push(struct ivf_job *job, struct topk *list, const float *unit,
		  size_t row, float *scratch);

/* Begin the lists first to end - 1. */
void ivf_job_begin_lists(struct ivf_job *job, size_t first, size_t end);

/* A lower score cannot enter the list, or is not wanted. */
static inline float ivf_job_threshold(const struct ivf_job *job,
				      const struct topk *list)
{
	float low = (float)job->search->min_score;
	float threshold =
		job->search->count_matching ? -INFINITY : list->threshold;

	if ((double)low > job->search->min_score)
		low = nextafterf(low, -INFINITY);
	return threshold > low ? threshold : low;
}

#endif
