/* dot_kernels: scores of many rows by many queries.
 *
 * The score of query q and row x is one chain of fused multiply-adds,
 *     t = +0; for j = 0 .. d-1: t = fmaf(q[j], x[j], t)
 * and every kernel gives exactly these bits: the fast ones keep many chains in
 * registers, but none is cut in two.  "plain" is the loop as written, the
 * oracle of the others and what a processor without AVX2 runs. */
#ifndef SEARCH_DOT_KERNELS_H
#define SEARCH_DOT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* A tile is TILE_QUERIES x TILE_ROWS scores. */
enum { TILE_QUERIES = 6, TILE_ROWS = 64 };

struct dot_kernel {
	const char *name;

	/* Packed operands: queries[j * TILE_QUERIES + i] is column j of query
	 * i, rows[j * TILE_ROWS + r] that of row r; rows is aligned to 64.
	 * Bit r of above[i] is set where score (i, r) > least[i], or, unless
	 * rows_least is NULL, > rows_least[r]; a NaN is above nothing. scores[i
	 * * TILE_ROWS + r] is set for all of them where any bit is, and may be
	 * left alone otherwise. */
	void (*tile)(const float *queries, const float *rows, size_t d,
		     const float least[TILE_QUERIES],
		     const float rows_least[TILE_ROWS],
		     float scores[TILE_QUERIES * TILE_ROWS],
		     uint64_t above[TILE_QUERIES]);

	/* For count rows as a file has them (count x d): the sum of products
	 * with the query, and the row's sum of squares, each added up in an
	 * order of the kernel's own.  Only to tell which rows need a score. */
	void (*glance)(const float *query, const float *rows, size_t count,
		       size_t d, float *products, float *squares);

	/* For count pairs of vectors of length 1 or less, each as a file has
	 * it: the sum of products added up in any order, which is within
	 * dot_error_bound(d) of the score. */
	void (*guess)(const float *const *queries, const float *const *rows,
		      size_t count, size_t d, float *products);

	/* The score of each pair, and of one. */
	void (*chains)(const float *const *queries, const float *const *rows,
		       size_t count, size_t d, float *scores);
	float (*chain)(const float *query, const float *row, size_t d);
};

/* Kernel i, the fastest first and "plain" last; NULL where this processor
 * lacks the instructions, and from DOT_KERNELS on. */
enum { DOT_KERNELS = 3 };
const struct dot_kernel *dot_kernel_get(unsigned i);

/* The first that this processor can run. */
const struct dot_kernel *dot_kernel_best(void);

/* What sums of products of two vectors of length 1, rounded to float, may be
 * apart: twice the d roundings of a sum, and some for the lengths. */
double dot_error_bound(size_t d);

/* Sum of squares in double: eight sums, of columns j mod 8, added as
 * s[l] + s[l+4], then l + 2, then l + 1.  Products of floats are exact. */
double dot_square_norm(const float *row, size_t d);

/* dst[j] = (float)(row[j] * factor); dst may be row. */
void dot_scale(float *dst, const float *row, size_t d, double factor);

/* Pack TILE_ROWS rows of d (rows as struct dot_kernel's tile has them). */
void dot_pack_rows(float *packed, const float *rows, size_t d);

/* Pack a query as the ith of a tile; NULL: none, whose scores are NaN. */
void dot_pack_query(float *packed, size_t i, const float *query, size_t d);

/* All scores of a tile: scores[i * ld + r], or -INFINITY where bit r of wanted
 * is not set, or the score is a NaN. */
void dot_score_tile(const struct dot_kernel *kernel, const float *queries,
		    const float *rows, size_t d, uint64_t wanted, float *scores,
		    size_t ld);

#endif
