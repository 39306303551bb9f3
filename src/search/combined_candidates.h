/* combined_candidates: the part of search/combined_search.h that finds, by the
 * inverted index, the rows whose exact score is needed. */
#ifndef SEARCH_COMBINED_CANDIDATES_H
#define SEARCH_COMBINED_CANDIDATES_H

#include "search/combined_bounds.h"
#include "search/combined_options.h"
#include "search/search_query.h"
#include "search/topk.h"

/* A row and an upper bound of its score. */
struct candidate {
	float high;
	uint32_t row;
};

/* The candidates of one query after another, and what finding them takes; one
 * for each thread. */
struct candidates {
	/* Set by the caller before each query: */
	struct combined_bounds bounds; /* of the query */
	size_t limit;                  /* k */
	const uint64_t *allowed;       /* rows that may be results, or NULL */
	size_t excluded;               /* a row that may not, or SIZE_MAX */
	bool may_raise;                /* the threshold may be raised */
	float threshold;               /* no result is below it */
	/* Set by the functions: */
	int32_t *sums; /* INDEX_BLOCK_ROWS + INDEX_PAD, zeros between uses */
	/* Candidates, count of them, with their sums; those from new_begin on
	 * are not yet pruned. */
	uint32_t *rows;
	int32_t *row_sums;
	size_t count, new_begin, room;
	uint32_t *largest_rows; /* the new ones with the largest sums */
	int32_t *largest_sums;
	size_t largest_room;
	struct candidate *bounded; /* those bounded by their codes */
	size_t bounded_count, bounded_room;
	struct topk lower; /* the k largest lower bounds */
	/* By bins: see combined_bounds_thresholds. */
	int32_t thresholds[INDEX_BINS];
	int32_t lowest_threshold; /* the smallest of them */
	uint32_t unpruned;        /* mask of bins */
};

/* Allocate, and free what was allocated. */
void candidates_begin(struct candidates *candidates);
void candidates_end(struct candidates *candidates);

/* Have what was allocated since outlive the work of base/recovery.h that this
 * thread does, or that was left amid a query; clear what was left in the sums.
 */
void candidates_keep(struct candidates *candidates);
void candidates_clear(struct candidates *candidates);

/* Go through all lists of the query, raising the threshold.  Afterwards bounded
 * holds, in no order, every row that may be a result, has a sum above 0, and
 * whose upper bound reaches the threshold; rows with a smaller sum may be
 * results only in bins that unpruned has.  O(postings of the query's tags), and
 * O(n) where it has head tags. */
void candidates_find(struct candidates *candidates,
		     const struct search_query *query);

/* Raise the threshold, where that is allowed; a smaller one has no effect. */
void candidates_raise(struct candidates *candidates, float threshold);

#endif
