/* dot_kernels: dot products of many queries with many rows, in float32.
 *
 * The exact score of query q and row x is defined by its order of operations,
 *     t = +0; for j = 0 .. d-1: t = fmaf(q[j], x[j], t)
 * and every kernel gives exactly these bits: the vector kernels compute many
 * scores side by side and never split the sum of one.  "plain" is the loop as
 * written; the others are tested against it, and it runs on processors without
 * AVX2.  Approximate scores are summed in any order. */
#ifndef SEARCH_DOT_KERNELS_H
#define SEARCH_DOT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "search/dot_vectors.h"

struct dot_kernel {
	const char *name;

	/* Exact scores of a tile.  queries are packed by dot_pack_query, rows
	 * by dot_pack_rows and aligned to 64 bytes.  Bit r of masks[i] is set
	 * where score (i, r) > thresholds[i] or, unless row_thresholds is NULL,
	 * score (i, r) > row_thresholds[r]; never for NaN.  scores[i *
	 * TILE_ROWS
	 * + r] is written for all pairs if any bit is set; otherwise scores may
	 * be left unwritten. */
	void (*score_tile)(const float *queries, const float *rows, size_t d,
			   const float thresholds[TILE_QUERIES],
			   const float row_thresholds[TILE_ROWS],
			   float scores[TILE_QUERIES * TILE_ROWS],
			   uint64_t masks[TILE_QUERIES]);

	/* Approximate scores of one query and count rows (count x d, row
	 * major), and the squared norms of the rows. */
	void (*approximate_rows)(const float *query, const float *rows,
				 size_t count, size_t d, float *products,
				 float *squares);

	/* Approximate scores of count pairs (queries[p], rows[p]) of vectors of
	 * norm at most 1: each within dot_error_bound(d) of the exact score. */
	void (*approximate_pairs)(const float *const *queries,
				  const float *const *rows, size_t count,
				  size_t d, float *products);

	/* Exact scores of count pairs, and of one pair. */
	void (*exact_pairs)(const float *const *queries,
			    const float *const *rows, size_t count, size_t d,
			    float *scores);
	float (*exact_pair)(const float *query, const float *row, size_t d);
};

/* Kernel i, fastest first, "plain" last; NULL where this processor lacks the
 * instructions, and for i >= DOT_KERNELS. */
enum { DOT_KERNELS = 3 };
const struct dot_kernel *dot_kernel_get(unsigned i);

/* The fastest kernel that this processor can run; never NULL. */
const struct dot_kernel *dot_kernel_best(void);

/* All exact scores of a tile: scores[i * ld + r] for bits r set in rows_mask;
 * -INFINITY for the other rows and in place of NaN. */
void dot_score_tile(const struct dot_kernel *kernel, const float *queries,
		    const float *rows, size_t d, uint64_t rows_mask,
		    float *scores, size_t ld);

#endif
