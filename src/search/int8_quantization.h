/* int8_quantization: unit vectors as bytes, and what a product with one can be
 * at most.
 *
 * Row x is kept as x' = scale * (code - 128), scale = max |x_j| / 127, with the
 * length of x - x' beside it, rounded up: its residual.  A query q is kept as
 * q' likewise.  Then
 *     q.x <= q'.x' + |q| |x - x'| + |q - q'| |x'|
 * and what rounding can do to either side is added to the bound.  So rows
 * whose bound is below a bar need no exact score, and no answer changes. */
#ifndef SEARCH_INT8_QUANTIZATION_H
#define SEARCH_INT8_QUANTIZATION_H

#include <stddef.h>
#include <stdint.h>

#include "search/dot_kernels.h"

/* A block is of INT8_BLOCK_ROWS rows; codes stand in groups of four columns:
 * block[(g * INT8_BLOCK_ROWS + r) * 4 + i] is column 4 g + i of row r, and
 * columns that fill up the last group are 128. */
enum { INT8_BLOCK_ROWS = TILE_ROWS };

/* Columns at most: sums of 255 x 127 for each stay below 2^31. */
enum { INT8_MAX_COLUMNS = 1 << 16 };

/* Bytes of a row, and of a block. */
size_t int8_row_bytes(size_t d);
size_t int8_block_bytes(size_t d);

/* Put the codes of a unit vector in place r of a block. */
void int8_quantize(const float *unit, size_t d, uint8_t *block, size_t r,
		   float *scale, float *residual);

/* A query, ready to be compared. */
struct int8_query {
	int8_t *codes; /* groups of four, as many as a row has */
	size_t groups;
	int32_t offset;         /* 128 times the sum of its codes */
	float scale, by, least; /* bound: scale s D + by r + least */
};

/* With room for codes of its own, to be ended; or with the caller's. */
void int8_query_begin(struct int8_query *probe, size_t d);
void int8_query_place(struct int8_query *probe, size_t d, int8_t *codes);
void int8_query_set(struct int8_query *probe, const float *unit, size_t d);
void int8_query_end(struct int8_query *probe);

/* A group of TILE_QUERIES queries, ready to be compared together. */
struct int8_query_group {
	int32_t *words; /* words[g * TILE_QUERIES + i]: columns 4 g to 4 g + 3
			   of query i; owned */
	size_t groups;
	int32_t offset[TILE_QUERIES];
	/* Bound over the query's scale: s D + by r + least. */
	float over[TILE_QUERIES]; /* 1 / scale */
	float by[TILE_QUERIES], least[TILE_QUERIES];
};

void int8_query_group_begin(struct int8_query_group *probes, size_t d);

/* Query i of the group; NULL: one of zeros. */
void int8_query_group_set(struct int8_query_group *probes, size_t i,
			  const struct int8_query *probe);
void int8_query_group_end(struct int8_query_group *probes);

/* The least score of a row whose lower is so much. */
float int8_query_group_least(const struct int8_query_group *probes, size_t i,
			     float lower);

struct int8_kernel {
	const char *name;

	/* Bit r is set unless the bound of row r is below the bar. */
	uint64_t (*above)(const struct int8_query *probe, const uint8_t *block,
			  const float *scales, const float *residuals,
			  float bar);

	/* The same for a group: bit r of above[i] is set unless the bound of
	 * row r to query i is below bars[i] and, unless rows_bars is NULL,
	 * below rows_bars[r] too. */
	void (*sieve)(const struct int8_query_group *probes,
		      const uint8_t *block, const float *scales,
		      const float *residuals, const float bars[TILE_QUERIES],
		      const float rows_bars[TILE_ROWS],
		      uint64_t above[TILE_QUERIES]);

	/* lower[i * ld + r] = what the product of row r and query i is at
	 * least, but for int8_query_group_least; -INFINITY where bit r of rows
	 * is not set. */
	void (*lower)(const struct int8_query_group *probes,
		      const uint8_t *block, const float *scales,
		      const float *residuals, uint64_t rows, float *lower,
		      size_t ld);
};

/* Version i, the fastest first and "plain" last; NULL where this processor
 * lacks the instructions, and from INT8_KERNELS on. */
enum { INT8_KERNELS = 3 };
const struct int8_kernel *int8_kernel_get(unsigned i);

/* The first that this processor can run. */
const struct int8_kernel *int8_kernel_best(void);

/* The version whose sieve is faster than the tiles of search/dot_kernels.h;
 * NULL where there is none. */
const struct int8_kernel *int8_kernel_filter(void);

#endif
