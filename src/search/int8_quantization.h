/* int8_quantization: scalar quantization of unit vectors to int8, with error
 * bounds.
 *
 * Row x is stored as x' = scale * (code - 128) with scale = max |x_j| / 127,
 * and with its residual, |x - x'| rounded up.  A query q is quantized to q' in
 * the same way.  By the triangle and Cauchy-Schwarz inequalities |q.x - q'.x'|
 * <= |q| |x - x'| + |q - q'| |x'| and what rounding can do to either side is
 * added.  So a row whose upper bound is below a threshold can be skipped
 * without changing any result. */
#ifndef SEARCH_INT8_QUANTIZATION_H
#define SEARCH_INT8_QUANTIZATION_H

#include <stddef.h>
#include <stdint.h>

#include "search/dot_vectors.h"

/* A block holds INT8_BLOCK_ROWS rows.  Codes are stored in quads of columns:
 * block[(g * INT8_BLOCK_ROWS + r) * 4 + i] is column 4 g + i of row r; columns
 * that pad the last quad are 128, which stands for 0. */
enum { INT8_BLOCK_ROWS = TILE_ROWS };

/* The largest d: sums of d products of at most 255 x 127 stay below 2^31. */
enum { INT8_MAX_COLUMNS = 1 << 16 };

/* Bytes of the codes of a row, and of a block. */
size_t int8_row_bytes(size_t d);
size_t int8_block_bytes(size_t d);

/* Write the codes of a unit vector (d columns) as row r of a block. */
void int8_quantize(const float *unit, size_t d, uint8_t *block, size_t r,
		   float *scale, float *residual);

/* A quantized query.  With D the integer dot product of its codes and those of
 * a row of scale s and residual e, an upper bound of the exact score is
 *     scale s D + norm e + error. */
struct int8_query {
	int8_t *codes; /* quads x 4 */
	size_t quads;
	int32_t offset; /* 128 times the sum of the codes */
	float scale, norm, error;
};

/* Begin with codes that int8_query_end frees, or with the caller's, of
 * int8_row_bytes(d) bytes, which need no end. */
void int8_query_begin(struct int8_query *query, size_t d);
void int8_query_place(struct int8_query *query, size_t d, int8_t *codes);
/* Quantize a vector of norm at most 1 (d columns). */
void int8_query_set(struct int8_query *query, const float *unit, size_t d);
void int8_query_end(struct int8_query *query);

/* TILE_QUERIES quantized queries, interleaved.  The upper bound of query i,
 * divided by its scale, is  s D + norm[i] e + error[i]. */
struct int8_query_group {
	int32_t *words; /* words[g * TILE_QUERIES + i]: the four codes of
			   columns 4 g to 4 g + 3 of query i; owned */
	size_t quads;
	int32_t offset[TILE_QUERIES];
	float inv_scale[TILE_QUERIES]; /* 1 / scale */
	float norm[TILE_QUERIES], error[TILE_QUERIES];
};

void int8_query_group_begin(struct int8_query_group *group, size_t d);

/* Set query i of the group, by copy; NULL: the zero vector. */
void int8_query_group_set(struct int8_query_group *group, size_t i,
			  const struct int8_query *query);
void int8_query_group_end(struct int8_query_group *group);

/* A lower bound of the exact score, from what int8_kernel.lower_bounds gives
 * for query i. */
float int8_query_group_unscale(const struct int8_query_group *group, size_t i,
			       float lower);

#endif
