/* inverted_lists: where customers stand in an index (search/ivf_index.h): cell
 * after cell in whole blocks, ascending within a cell. */
#ifndef SEARCH_INVERTED_LISTS_H
#define SEARCH_INVERTED_LISTS_H

#include <stddef.h>
#include <stdint.h>

struct inverted_lists {
	size_t cells, blocks;
	size_t signal;   /* customers in cells */
	int64_t *starts; /* cells + 1 */
	int32_t *rows;   /* of each place, or -1 */
	/* private, of inverted_lists_gather: */
	uint32_t *places;         /* of each customer, or UINT32_MAX */
	float *gathered;          /* vectors of the places from a block on */
	size_t held, blocks_held; /* that block, and how many; 0: none */
};

/* Lay n customers out by their cells, KMEANS_NONE for those in none. */
void inverted_lists_make(struct inverted_lists *layout, const uint32_t *cells,
			 size_t n, size_t count);

/* Take the vectors of count blocks from the first on, no more at any later
 * time, into memory, in the order in which rows (n x d) has them: so a file
 * that is larger than memory is read from its begin to its end, not here and
 * there.  What follows of these blocks is as without. */
void inverted_lists_gather(struct inverted_lists *layout, const float *rows,
			   size_t n, size_t d, size_t first, size_t count,
			   unsigned threads);

/* What search/ivf_index.h has of a block, for rows (n x d): codes, scales and
 * residuals of its places, or its unit vectors; places left over are zeros. */
void inverted_lists_codes(const struct inverted_lists *layout,
			  const float *rows, size_t d, size_t block,
			  uint8_t *codes, float *scales, float *residuals);
void inverted_lists_units(const struct inverted_lists *layout,
			  const float *rows, size_t d, size_t block,
			  float *units);

void inverted_lists_free(struct inverted_lists *layout);

#endif
