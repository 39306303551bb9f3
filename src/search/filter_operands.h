/* filter_operands: queries and rows in the forms that search/filter_refine.h
 * compares: scaled float32 vectors, and their int8 codes where these are used
 * as a filter. */
#ifndef SEARCH_FILTER_OPERANDS_H
#define SEARCH_FILTER_OPERANDS_H

#include <stddef.h>
#include <stdint.h>

#include "search/dot_kernels.h"
#include "search/int8_kernels.h"

/* The kernels that scores are computed by, for vectors of d columns. */
struct score_kernels {
	const struct dot_kernel *kernel;
	const struct int8_kernel *bounds; /* NULL: no filter, all pairs get
					     exact scores */
	size_t d;
};

/* TILE_ROWS rows; nothing is owned.  vectors or packed may be NULL, not both.
 */
struct row_block {
	const float *vectors; /* TILE_ROWS x d, as they are compared; a row
				 whose first column is NaN is absent */
	const float *packed;  /* the same by dot_pack_rows */
	/* The rest is read only where there is a filter. */
	const uint8_t *codes;            /* int8_block_bytes(d) */
	const float *scales, *residuals; /* TILE_ROWS each */
};

/* A query as it is compared (d columns), and its int8 form, which is read only
 * where there is a filter; vector NULL: absent, never above a threshold. */
struct panel_query {
	const float *vector;
	const struct int8_query *int8;
};

/* Memory for count queries, and their forms. */
struct query_batch {
	const struct score_kernels *filter;
	size_t count;
	float *vectors;                  /* count x d */
	struct int8_query *int8_queries; /* count; NULL without a filter */
	int8_t *codes;                   /* of int8_queries */
	struct panel_query *each;        /* count, into the above */
};

/* filter is borrowed until the end. */
void query_batch_begin(struct query_batch *batch,
		       const struct score_kernels *filter, size_t count);

/* Query i becomes vector (d columns) times factor; absent for a factor of 0. */
void query_batch_put(struct query_batch *batch, size_t i, const float *vector,
		     double factor);
void query_batch_end(struct query_batch *batch);

/* Memory for a block of rows. */
struct packed_block {
	const struct score_kernels *filter;
	struct row_block block; /* into the following, which are owned */
	float *vectors, *scales, *residuals;
	uint8_t *codes;
};

/* filter is borrowed until the end. */
void packed_block_begin(struct packed_block *packed,
			const struct score_kernels *filter);

/* Fill the block with rows first to first + TILE_ROWS - 1 of rows (end x d),
 * each times its factor (end factors).  Rows with a factor of 0, and those from
 * end on, are absent; the result has the bits of the others. */
uint64_t packed_block_fill(struct packed_block *packed, const float *rows,
			   const double *factors, size_t first, size_t end);
void packed_block_end(struct packed_block *packed);

#endif
