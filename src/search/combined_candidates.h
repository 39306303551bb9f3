/* combined_candidates: the part of search/combined_search.h that finds, by the
 * inverted index, which rows need a score. */
#ifndef SEARCH_COMBINED_CANDIDATES_H
#define SEARCH_COMBINED_CANDIDATES_H

#include "search/combined_bounds.h"
#include "search/combined_score.h"
#include "search/topk.h"

/* A row whose score may be as much as high. */
struct candidate {
	float high;
	uint32_t row;
};

/* What a thread finds candidates in.  The first six are set by the caller. */
struct candidates {
	struct combined_bounds bounds; /* of the query */
	size_t limit;                  /* k */
	const uint64_t *allowed;       /* rows that may be answers, or NULL */
	size_t excluded;               /* a row that may not, or SIZE_MAX */
	bool raising;                  /* the threshold may be raised */
	float threshold;               /* no answer is below it */
	int32_t *sums; /* INDEX_BLOCK_ROWS + INDEX_PAD, zeros between uses */
	/* Rows with their sums, count of them; those before fresh have been
	 * thinned by the threshold. */
	uint32_t *rows;
	int32_t *row_sums;
	size_t count, fresh, room;
	uint32_t *best_rows; /* the largest of the fresh ones */
	int32_t *best_sums;
	size_t best_room;
	struct candidate *bounded; /* looked at by codes */
	size_t bounded_count, bounded_room;
	struct topk lower; /* lower bounds of scores */
	int32_t least[INDEX_BINS];
	int32_t least_of_all;
	uint32_t open; /* bins: see combined_bounds_least */
};

void candidates_begin(struct candidates *candidates);
void candidates_end(struct candidates *candidates);

/* Go through all lists of the query; afterwards bounded has all rows that share
 * a tag and may be answers. */
void candidates_find(struct candidates *candidates,
		     const struct combined_query *query);

/* The threshold is at least so much. */
void candidates_raise(struct candidates *candidates, float threshold);

#endif
