/* filter_refine: scores of a panel of queries and blocks of rows that are above
 * a threshold for each query, by filter and refine (Seidl and Kriegel, SIGMOD
 * 1998, section 3).
 *
 * Filter: of a group of TILE_QUERIES queries and a block of TILE_ROWS rows,
 * pairs whose int8 upper bound is below the threshold are dropped.  Refine: the
 * others get an approximate score and, if that can still be above the threshold
 * within dot_error_bound, the exact score of search/dot_kernels.h.  So the
 * pairs reported, and their scores, are those of computing all exact scores.
 * Where the filter drops too little (thresholds are low at first, or many rows
 * are near), it is skipped for a number of blocks that doubles up to a limit
 * (back-off), and all pairs get exact scores. */
#ifndef SEARCH_FILTER_REFINE_H
#define SEARCH_FILTER_REFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/filter_operands.h"

/* TILE_QUERIES queries. */
struct query_group {
	struct panel_query queries[TILE_QUERIES];
	float *packed; /* by dot_pack_query, once is_packed */
	bool is_packed;
	struct int8_query_group int8_queries;
	/* Blocks to be scored without the filter: after the next failure, and
	 * now. */
	unsigned back_off, skip;
};

struct candidate_pair {
	uint32_t query; /* of the panel */
	uint32_t row;   /* counted from the first block of the run */
};

enum {
	FILTER_PAIRS = 256,    /* candidate pairs refined together */
	FILTER_RUN_BLOCKS = 16 /* the longest run */
};

/* Queries in groups, and the working memory of one thread. */
struct panel {
	const struct score_kernels *filter;
	size_t group_count;
	struct query_group *groups;
	float *packed;     /* of the groups */
	float *thresholds; /* one for each query: a score must be above it.
			      The caller sets and raises them; INFINITY at
			      first */
	/* private: */
	struct row_block blocks[FILTER_RUN_BLOCKS]; /* of the current run */
	float *transposed[FILTER_RUN_BLOCKS]; /* vectors or packed, where the
						 block came without */
	uint64_t transposed_rows[FILTER_RUN_BLOCKS]; /* rows of vectors that
							are filled in */
	float *run_scores; /* TILE_QUERIES x FILTER_RUN_BLOCKS TILE_ROWS: exact
			      scores, or lower bounds */
	size_t pair_count;
	struct candidate_pair pairs[FILTER_PAIRS];
	const float *pair_queries[FILTER_PAIRS], *pair_rows[FILTER_PAIRS];
	float scores[FILTER_PAIRS];
};

/* The number of queries in a panel that is fastest, a multiple of TILE_QUERIES:
 * what is read of each query for every block stays in the second-level
 * cache. */
size_t filter_panel_size(const struct score_kernels *filter);

/* The number of blocks in a run, 1 to FILTER_RUN_BLOCKS, that stay in the
 * second-level cache from packing to scoring. */
size_t filter_run_length(const struct score_kernels *filter);

/* A panel for count queries, rounded up to whole groups, all of them absent.
 * filter is borrowed until the end. */
void panel_begin(struct panel *panel, const struct score_kernels *filter,
		 size_t count);

/* Set query i, and its threshold to INFINITY; what query points to is
 * borrowed. */
void panel_set_query(struct panel *panel, size_t i, struct panel_query query);
void panel_end(struct panel *panel);

/* Consecutive blocks that are scored together. */
struct block_run {
	const struct row_block *blocks;
	size_t count; /* 1 to FILTER_RUN_BLOCKS */
	/* Bit r of rows[b] is set where row r of block b may be a result; a
	 * query whose k-th best such row has score t needs no score below t.
	 * NULL: thresholds are not to be raised by this run. */
	const uint64_t *rows;
	size_t k;
};

/* Raise the thresholds of the first group_count groups to the k-th largest int8
 * lower bound of the run; no effect without a filter, or where the run has
 * fewer than 2 k rows. */
void panel_raise_thresholds(struct panel *panel, size_t group_count,
			    const struct block_run *run);

/* Score a run against the first group_count groups, having raised their
 * thresholds by it.  push is called with each pair whose exact score is above
 * the threshold of the query or, unless row_thresholds is NULL (required for a
 * run of more than one block), above that of the row.  It may raise both, which
 * are read again before each call.  Rows are counted from the first block; for
 * one query they come in ascending order. */
void panel_score(struct panel *panel, size_t group_count,
		 const struct block_run *run,
		 const float row_thresholds[TILE_ROWS],
		 void (*push)(void *shared, size_t query, size_t row,
			      float score),
		 void *shared);

#endif
