/* combined_bounds: lower and upper bounds of a score of
 * search/combined_score.h, from the integers of search/inverted_index.h.  They
 * are derived in cs-design(7), "Bounds of the combined similarity".
 *
 * Let a = sum / 32767^2 be the sum of products of the weights of two rows: with
 * weights off by at most half a unit each, |a - p| <= err = sqrt(t) / 32767 +
 * t / (4 32767^2), t the number of the query's tags.  A score is (p + D) /
 * sqrt(N_q N_y), D = c h(u), and |D| <= |h(u)|.
 *
 * By bin: for g of y in [low, high], u is in [u0, u1]; h rises up to t =
 * (3 alpha / 4)^2 and falls from there, so |h| <= H = max(h(clamp(t, u0, u1)),
 * -h(u0), -h(u1)), and N_y >= min(N(low), N(high)).  So s >= T > 0 needs
 *     a >= T sqrt(N_q min N) - H - err.
 * A threshold of 0 or less prunes nothing.
 *
 * By codes: with q', y' the dequantized unit embeddings, |c - q'.y'| <= e =
 * r_y (1 + r_q) + r_q, r the residuals; so D is in h q'.y' +- |h| e, cut off at
 * +-|h|, and s in ((a - err + low D) / sqrt(N_q N_y), (a + err + high D) /
 * ...).
 *
 * What float arithmetic rounds is within BOUNDS_SLACK of p + D. */
#ifndef SEARCH_COMBINED_BOUNDS_H
#define SEARCH_COMBINED_BOUNDS_H

#include <stdint.h>

#include "search/combined_kernels.h"
#include "search/combined_score.h"
#include "search/inverted_index.h"

#define BOUNDS_SLACK 4e-6F

/* Of one query. */
struct combined_bounds {
	const struct inverted_index *index;
	const struct combined_kernel *kernel;
	bool profile;   /* the similarity of rows: D = 0, N = 1 */
	bool vanishing; /* N_q is below COMBINED_MIN_NORM: s is 0 */
	float alpha;
	float sqrt_g;          /* of g_q */
	float inverse_norm;    /* 1 / sqrt(N_q) */
	float error;           /* err */
	int8_t *codes;         /* of the query: code_columns, owned */
	int32_t offset;        /* INDEX_CODE_ZERO times their sum */
	float scale, residual; /* of the codes */
	/* s >= T needs p >= T * norm_product - max_dense, by bins:
	 * sqrt(N_q min N_y) and H. */
	double norm_product[INDEX_BINS], max_dense[INDEX_BINS];
};

/* Allocate the bounds of one query after another; index and kernel must
 * outlive them. */
void combined_bounds_begin(struct combined_bounds *bounds,
			   const struct inverted_index *index,
			   const struct combined_kernel *kernel,
			   const struct similarity *similarity);
void combined_bounds_end(struct combined_bounds *bounds);

/* Set the query: its side, its embedding (d columns, borrowed for the call)
 * and its number of tags. */
void combined_bounds_set(struct combined_bounds *bounds,
			 const struct similarity *similarity,
			 const struct score_side *side, const float *vector,
			 size_t tags);

/* Set thresholds[b] >= 1 so that no row of bin b with a sum from 1 to
 * thresholds[b] - 1 has a score that reaches the threshold.  Returns a mask of
 * the bins that are not pruned: there a row whose sum is below 1 may reach the
 * threshold, too.  O(INDEX_BINS). */
uint32_t combined_bounds_thresholds(const struct combined_bounds *bounds,
				    float threshold,
				    int32_t thresholds[INDEX_BINS]);

/* BOUNDS_TILE rows as many queries are compared with. */
enum { BOUNDS_TILE = 64 };
struct bounds_tile {
	float sqrt_g[BOUNDS_TILE];
	float inverse_norm[BOUNDS_TILE]; /* 1 / sqrt(N); INFINITY where N is
					    too small for a score */
	uint64_t rows;                   /* mask of those that there are */
};

/* Set the tile to the rows from first on. */
void combined_bounds_tile(const struct inverted_index *index,
			  const struct similarity *similarity, size_t first,
			  struct bounds_tile *tile);

/* A mask of the rows of the tile whose score may be the threshold or more
 * though their sum is below 1, by norms alone: all that
 * combined_bounds_by_norms lets through for the sum 0. */
uint64_t combined_bounds_tile_mask(const struct combined_bounds *bounds,
				   const struct bounds_tile *tile,
				   float threshold);

struct score_range {
	float low, high;
};

/* A range that holds the score of a row with that sum: by the norms of both
 * embeddings alone, O(1), and by their codes, O(d), which is narrower. */
struct score_range
combined_bounds_by_norms(const struct combined_bounds *bounds, uint32_t row,
			 int32_t sum);
struct score_range
combined_bounds_by_codes(const struct combined_bounds *bounds, uint32_t row,
			 int32_t sum);

#endif
