/* coarse_quantizer: the nearest of few rows, for many vectors: cells of a
 * query.  Scores and order are those of search/exact_search.h by the cosine. */
#ifndef SEARCH_COARSE_QUANTIZER_H
#define SEARCH_COARSE_QUANTIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/dot_kernels.h"

struct coarse_quantizer {
	const struct dot_kernel *kernel;
	size_t count, blocks, d;
	float *units; /* of the rows, as search/dot_kernels.h has them */
};

/* Of rows (count x d), count above 0; false where one is not finite, and then
 * there is nothing to end. */
bool coarse_quantizer_begin(struct coarse_quantizer *rank, const float *rows,
			    size_t count, size_t d,
			    const struct dot_kernel *kernel);
void coarse_quantizer_end(struct coarse_quantizer *rank);

/* What a thread needs. */
struct coarse_query {
	const struct coarse_quantizer *rank;
	float *unit, *queries; /* d; as search/dot_kernels.h has them */
	float *scores;         /* TILE_QUERIES x TILE_ROWS blocks */
	uint64_t *keys;        /* TILE_ROWS blocks */
};

void coarse_query_begin(struct coarse_query *ranker,
			const struct coarse_quantizer *rank);
void coarse_query_end(struct coarse_query *ranker);

/* Vector i of the next tile is vector times factor; 0: none. */
void coarse_query_put(struct coarse_query *ranker, size_t i,
		      const float *vector, double factor);

/* Score the tile. */
void coarse_query_score(struct coarse_query *ranker);

/* The nearest rows of vector i, up to wanted, nearest first; returns how many
 * there are: rows of zeros are none. */
size_t coarse_query_take(struct coarse_query *ranker, size_t i, size_t wanted,
			 uint32_t *rows);

#endif
