/* inverted_lists: the order of rows in an inverted-file index
 * (search/ivf_index.h): cell after cell, each padded to whole blocks of
 * TILE_ROWS places, rows ascending within a cell. */
#ifndef SEARCH_INVERTED_LISTS_H
#define SEARCH_INVERTED_LISTS_H

#include <stddef.h>
#include <stdint.h>

struct inverted_lists {
	size_t cells, blocks;
	size_t nonzero;  /* rows in cells */
	int64_t *starts; /* cells + 1: the first block of each cell; owned */
	int32_t *rows;   /* TILE_ROWS blocks: of each place, or -1; owned */
	/* private, of inverted_lists_gather: */
	uint32_t *places; /* of each row, or UINT32_MAX */
	float *gathered;  /* vectors of the places of the gathered blocks */
	size_t gathered_first, gathered_blocks; /* 0 blocks: none */
};

/* Lay out n rows by their cells, each below count, or KMEANS_NONE.  n is at
 * most 2^31 - 1. */
void inverted_lists_make(struct inverted_lists *lists, const uint32_t *cells,
			 size_t n, size_t count);

/* Copy the vectors of count blocks from block first on into memory, reading
 * rows (n x d) in ascending order, so that a file larger than memory is read
 * sequentially.  count must not be larger than at the first call.  The results
 * of the functions below do not change. */
void inverted_lists_gather(struct inverted_lists *lists, const float *rows,
			   size_t n, size_t d, size_t first, size_t count,
			   unsigned threads);

/* The parts of a block of the index, of rows (n x d): int8 codes, scales and
 * residuals (search/int8_quantization.h), or unit vectors by dot_pack_rows.
 * Padding is zero vectors. */
void inverted_lists_codes(const struct inverted_lists *lists, const float *rows,
			  size_t d, size_t block, uint8_t *codes, float *scales,
			  float *residuals);
void inverted_lists_units(const struct inverted_lists *lists, const float *rows,
			  size_t d, size_t block, float *units);

void inverted_lists_free(struct inverted_lists *lists);

#endif
