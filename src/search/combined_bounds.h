/* combined_bounds: what a score of search/combined_score.h can be at most, and
 * at least, from the integers of search/inverted_index.h.
 *
 * Let a = sum / 32767^2 be the sum of products of the weights of two rows: with
 * weights off by half a unit each, |a - p| <= err = 1.02 sqrt(tags) / 32767,
 * tags those of the query.  A score is (p + D) / sqrt(N_q N_y), D = c h(u), and
 * |D| <= |h(u)|.
 *
 * By bin: for g of y in [low, high], u is in [u0, u1]; h is concave with its
 * top at alpha / 2, so |h| <= H = max(h(clamp(alpha / 2, u0, u1)), -h(u0),
 * -h(u1)).  N is concave: N_y >= min(N(low), N(high)).  So s >= T > 0 needs
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
	bool profile, vanishing; /* N_q is too small for a score */
	float alpha, z, inverse; /* root of g, 1 / sqrt(N) of the query */
	float error;             /* of a */
	int8_t *codes;           /* code_bytes, owned */
	int32_t offset;          /* 128 times their sum */
	float scale, residual;
	/* s >= T needs p >= T * factor - dense, by bins. */
	double factor[INDEX_BINS], dense[INDEX_BINS];
};

void combined_bounds_begin(struct combined_bounds *bounds,
			   const struct inverted_index *index,
			   const struct combined_kernel *kernel,
			   const struct similarity *similarity);
void combined_bounds_end(struct combined_bounds *bounds);

/* Take a query: its side, embedding and number of tags. */
void combined_bounds_set(struct combined_bounds *bounds,
			 const struct similarity *similarity,
			 const struct score_side *side, const float *vector,
			 size_t tags);

/* The least sum, by bins, of a row whose score may be the threshold or more,
 * and at least 1.  Returns a bit for each bin that is open: a row of it whose
 * sum is below 1 may reach the threshold, too. */
uint32_t combined_bounds_least(const struct combined_bounds *bounds,
			       float threshold, int32_t least[INDEX_BINS]);

struct score_range {
	float low, high;
};

/* The range of a row's score without a look at its codes, and with one. */
struct score_range combined_bounds_glance(const struct combined_bounds *bounds,
					  uint32_t row, int32_t sum);
struct score_range combined_bounds_of(const struct combined_bounds *bounds,
				      uint32_t row, int32_t sum);

#endif
