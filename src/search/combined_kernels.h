/* combined_kernels: the inner loops of search/combined_search.h that have
 * AVX-512, AVX2 and NEON versions.  Every version gives what the plain loops
 * give: sums are exact integers. */
#ifndef SEARCH_COMBINED_KERNELS_H
#define SEARCH_COMBINED_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "search/inverted_index.h"

/* Columns of the query's head tags (those that have one), from some row on,
 * each with the query's weight.  The columns are borrowed from the index. */
struct column_set {
	const int16_t *columns[INDEX_COLUMNS];
	int32_t weights[INDEX_COLUMNS]; /* within int16 */
	size_t count;
};

struct combined_kernel {
	const char *name;

	/* For each of count rows (a multiple of 16; rows past the last are
	 * zeros) from row first on: sum = sums[i] + sum over columns of weight
	 * * column[i]; sums[i] becomes 0; where sum >= thresholds[bins[i]],
	 * the row and sum are appended to rows and out, which have room for
	 * count + 16.  All thresholds are above 0.  Returns how many. */
	size_t (*scan)(const struct column_set *set, int32_t *sums,
		       const uint8_t *bins,
		       const int32_t thresholds[INDEX_BINS], uint32_t first,
		       size_t count, uint32_t *rows, int32_t *out);

	/* Keep, in order, those of count rows whose sum is at least
	 * thresholds[bins[row]] and below the limit; rows and sums have room
	 * for 16 more.  Returns how many. */
	size_t (*filter)(const int32_t thresholds[INDEX_BINS],
			 const uint8_t *bins, int32_t limit, uint32_t *rows,
			 int32_t *sums, size_t count);

	/* Copy, in order, those of count rows whose sum is at least low to
	 * chosen and out, which have room for count + 16.  Returns how many. */
	size_t (*select)(int32_t low, const uint32_t *rows, const int32_t *sums,
			 size_t count, uint32_t *chosen, int32_t *out);

	/* How many of the numbers are at least value. */
	size_t (*count_at_least)(const int32_t *numbers, size_t count,
				 int32_t value);

	/* Sum of products of a query's codes and those of a row as the index
	 * packs them, of as many columns, a multiple of 64. */
	int32_t (*code_dot)(const int8_t *query, const uint8_t *packed,
			    size_t columns);
};

/* Version i, the fastest first and "plain" last; NULL where this processor
 * lacks the instructions, and from COMBINED_KERNELS on. */
enum { COMBINED_KERNELS = 3 };
const struct combined_kernel *combined_kernel_get(unsigned i);

/* The first that this processor can run. */
const struct combined_kernel *combined_kernel_best(void);

#endif
