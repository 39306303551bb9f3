/* int8_kernels: bounds of dot products from int8 codes, for a block of
 * INT8_BLOCK_ROWS rows at a time.
 *
 * A block is given by codes (search/int8_quantization.h), scales and residuals,
 * of one item for each row.  A mask has bit r set unless the upper bound of row
 * r is below the threshold, so it is set wherever the exact score reaches the
 * threshold.  Bounds of two kernels may differ by rounding; both are valid. */
#ifndef SEARCH_INT8_KERNELS_H
#define SEARCH_INT8_KERNELS_H

#include <stdint.h>

#include "search/int8_quantization.h"

struct int8_kernel {
	const char *name;

	/* The mask of one query. */
	uint64_t (*mask_query)(const struct int8_query *query,
			       const uint8_t *block, const float *scales,
			       const float *residuals, float threshold);

	/* The masks of a group: query i with thresholds[i] or, unless
	 * row_thresholds is NULL and for row r, with row_thresholds[r] where
	 * that is lower. */
	void (*mask_group)(const struct int8_query_group *group,
			   const uint8_t *block, const float *scales,
			   const float *residuals,
			   const float thresholds[TILE_QUERIES],
			   const float row_thresholds[TILE_ROWS],
			   uint64_t masks[TILE_QUERIES]);

	/* lower[i * ld + r] becomes a lower bound of the score of query i and
	 * row r, still to be passed through int8_query_group_unscale (a
	 * monotonic function); -INFINITY where bit r of rows is not set. */
	void (*lower_bounds)(const struct int8_query_group *group,
			     const uint8_t *block, const float *scales,
			     const float *residuals, uint64_t rows,
			     float *lower, size_t ld);
};

/* Kernel i, fastest first, "plain" last; NULL where this processor lacks the
 * instructions, and for i >= INT8_KERNELS. */
enum { INT8_KERNELS = 3 };
const struct int8_kernel *int8_kernel_get(unsigned i);

/* The fastest kernel that this processor can run; never NULL. */
const struct int8_kernel *int8_kernel_best(void);

/* The kernel whose mask_group is faster than score_tile of
 * search/dot_kernels.h; NULL where there is none. */
const struct int8_kernel *int8_kernel_filter(void);

#endif
