/* dot_vectors: norms, scaling and packing of float32 vectors.
 *
 * Every version (AVX-512, AVX2, plain C) gives the same bits. */
#ifndef SEARCH_DOT_VECTORS_H
#define SEARCH_DOT_VECTORS_H

#include <stddef.h>

/* A tile is TILE_QUERIES x TILE_ROWS scores. */
enum { TILE_QUERIES = 6, TILE_ROWS = 64 };

/* DO(i) for each query of a tile, i a literal: the names of sums hold it. */
#define EACH_QUERY(DO)                                                         \
	DO(0);                                                                 \
	DO(1);                                                                 \
	DO(2);                                                                 \
	DO(3);                                                                 \
	DO(4);                                                                 \
	DO(5)

/* Squared Euclidean norm in double: eight partial sums, of columns j mod 8,
 * added as s[l] + s[l+4], then l + 2, then l + 1.  Products of two floats are
 * exact in double.  Not finite if a column is not. */
double dot_square_norm(const float *row, size_t d);

/* dst[j] = (float)(row[j] * factor) for d columns; dst may be row. */
void dot_scale(float *dst, const float *row, size_t d, double factor);

/* Transpose TILE_ROWS rows: packed[j * TILE_ROWS + r] = rows[r * d + j]. */
void dot_pack_rows(float *packed, const float *rows, size_t d);

/* packed[j * TILE_QUERIES + i] = query[j]; NaN for a query of NULL, whose
 * scores then are NaN. */
void dot_pack_query(float *packed, size_t i, const float *query, size_t d);

/* An upper bound of the difference between two float32 evaluations, in any
 * order, of the dot product of two vectors of norm at most 1: each is within
 * d roundings of the exact value (Higham, Accuracy and Stability of Numerical
 * Algorithms, section 3.1), and the norms are 1 but for rounding. */
double dot_error_bound(size_t d);

#endif
