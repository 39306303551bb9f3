/* exact_job: the state of one call of search/exact_search.h, private to the
 * modules that it is made of: search/exact_scan.h for few queries,
 * search/exact_panel.h for many, search/all_pairs.h where every row is a
 * query. */
#ifndef SEARCH_EXACT_JOB_H
#define SEARCH_EXACT_JOB_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "search/search_query.h"

/* Counts of a piece of rows. */
struct row_counts {
	size_t zeros, eligible;
};

/* One call of exact_search_run, cut into pieces: panels of queries times ranges
 * of rows. */
struct exact_job {
	const struct search_options *search;
	const struct search_query *queries;
	size_t count;
	struct search_result *results;
	struct score_kernels filter;
	double *factors;   /* count: query vector times factor is compared; 0:
			      zero vector */
	float threshold;   /* a score is above it if and only if it is at least
			      search->min_score */
	bool self_answers; /* a query may be one of its own results */
	size_t panel, panels; /* queries in a panel */
	size_t range, ranges; /* rows in a range, a multiple of TILE_ROWS */
	struct topk *lists;   /* ranges x count */
	_Atomic float *thresholds; /* count: of each query, raised by the ranges
				      that are done; no result has a score of at
				      most that */
	double *row_factors; /* n: the same of rows; 0: cannot be a result. NULL
				for few queries */
	struct row_counts row_counts;    /* of all rows */
	struct row_counts *piece_counts; /* of each range, or of each piece of
					    FACTOR_ROWS rows */
	_Atomic size_t bad_row; /* the first unusable row, or ROW_NONE */
};

/* A score that is not above this cannot enter the list any more: rows are
 * pushed in ascending order, so an equal score would come after. */
static inline float exact_job_threshold(const struct exact_job *job,
					const struct topk *list)
{
	float threshold =
		job->search->count_matching ? -INFINITY : list->threshold;

	return threshold > job->threshold ? threshold : job->threshold;
}

/* True if a vector of that squared norm can be searched with: it is finite and,
 * for the metric "dot", so short that sums of products cannot overflow. */
bool exact_job_is_usable(const struct search_options *search, double square);

/* The factor that a vector of that squared norm is multiplied with to be
 * compared; 0 for a zero vector. */
double exact_job_factor(const struct search_options *search, double square);

/* The row that a scan leaves out for a query whose row is self: ROW_NONE where
 * its score is computed like any other. */
size_t exact_job_skipped(const struct search_options *search, size_t self);

/* The factor of a row, or 0 where it cannot be a result; adds it to counts.  A
 * row that is not usable becomes job->bad_row unless a lower one is. */
double exact_job_row_factor(struct exact_job *job, size_t row,
			    struct row_counts *counts);

#endif
