/* codes: unit vectors as bytes, and what a product with one can be at most.
 *
 * Row x is kept as x' = scale * (code - 128), scale = max |x_j| / 127, with the
 * length of x - x' beside it, rounded up: its residual.  A query q is kept as
 * q' likewise.  Then
 *     q.x <= q'.x' + |q| |x - x'| + |q - q'| |x'|
 * and what rounding can do to either side is added to the bound.  So rows
 * whose bound is below a bar need no exact score, and no answer changes. */
#ifndef CODES_H
#define CODES_H

#include <stddef.h>
#include <stdint.h>

/* A block is of CODES_ROWS rows; codes stand in groups of four columns:
 * block[(g * CODES_ROWS + r) * 4 + i] is column 4 g + i of row r, and columns
 * that fill up the last group are 128. */
enum { CODES_ROWS = 64 };

/* Columns at most: sums of 255 x 127 for each stay below 2^31. */
enum { CODES_COLUMNS = 1 << 16 };

/* Bytes of a block. */
size_t codes_block(size_t d);

/* Put the codes of a unit vector in place r of a block. */
void codes_put(const float *unit, size_t d, uint8_t *block, size_t r,
	       float *scale, float *residual);

/* A query, ready to be compared. */
struct probe {
	int8_t *codes; /* groups of four, as many as a row has; owned */
	size_t groups;
	int32_t offset;         /* 128 times the sum of its codes */
	float scale, by, least; /* bound: scale s D + by r + least */
};

void probe_begin(struct probe *probe, size_t d);
void probe_set(struct probe *probe, const float *unit, size_t d);
void probe_end(struct probe *probe);

struct bounds {
	const char *name;

	/* Bit r is set unless the bound of row r is below the bar. */
	uint64_t (*above)(const struct probe *probe, const uint8_t *block,
			  const float *scales, const float *residuals,
			  float bar);
};

/* Version i, the fastest first and "plain" last; NULL where this processor
 * lacks the instructions, and from CODES_BOUNDS on. */
enum { CODES_BOUNDS = 3 };
const struct bounds *codes_bounds(unsigned i);

/* The first that this processor can run. */
const struct bounds *codes_best(void);

#endif
