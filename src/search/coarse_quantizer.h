/* rank: the nearest of few rows, for many vectors: cells of a query.  Scores
 * and order are those of nearest.h by the cosine. */
#ifndef SEARCH_COARSE_QUANTIZER_H
#define SEARCH_COARSE_QUANTIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/dot_kernels.h"

struct rank {
	const struct kernel *kernel;
	size_t count, blocks, d;
	float *units; /* of the rows, as tile.h has them */
};

/* Of rows (count x d), count above 0; false where one is not finite, and then
 * there is nothing to end. */
bool rank_begin(struct rank *rank, const float *rows, size_t count, size_t d,
		const struct kernel *kernel);
void rank_end(struct rank *rank);

/* What a thread needs. */
struct ranker {
	const struct rank *rank;
	float *unit, *queries; /* d; as tile.h has them */
	float *scores;         /* TILE_QUERIES x TILE_ROWS blocks */
	uint64_t *keys;        /* TILE_ROWS blocks */
};

void ranker_begin(struct ranker *ranker, const struct rank *rank);
void ranker_end(struct ranker *ranker);

/* Vector i of the next tile is vector times factor; 0: none. */
void ranker_put(struct ranker *ranker, size_t i, const float *vector,
		double factor);

/* Score the tile. */
void ranker_score(struct ranker *ranker);

/* The nearest rows of vector i, up to wanted, nearest first; returns how many
 * there are: rows of zeros are none. */
size_t ranker_take(struct ranker *ranker, size_t i, size_t wanted,
		   uint32_t *rows);

#endif
