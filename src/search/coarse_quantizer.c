#include "search/coarse_quantizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/topk.h"

/* A row as it is compared; one of zeros begins with a NaN, which makes its
 * scores NaN, and so does one that there is not.  False: it is not finite. */
static bool put_row(const float *row, size_t d, float *unit)
{
	double square = row ? tile_square(row, d) : 0;

	memset(unit, 0, d * sizeof *unit);
	unit[0] = NAN;
	if (square > 0)
		tile_scale(unit, row, d, 1 / sqrt(square));
	return isfinite(square);
}

bool rank_begin(struct rank *rank, const float *rows, size_t count, size_t d,
		const struct kernel *kernel)
{
	float *block = alloc(alloc_product(TILE_ROWS, d), sizeof *block);
	bool finite = true;

	*rank = (struct rank){
		.kernel = kernel,
		.count = count,
		.blocks = (count + TILE_ROWS - 1) / TILE_ROWS,
		.d = d,
	};
	rank->units = alloc_aligned(
		alloc_product(rank->blocks, alloc_product(TILE_ROWS, d)),
		sizeof(float));
	for (size_t b = 0; b < rank->blocks; b++) {
		for (size_t r = 0; r < TILE_ROWS; r++) {
			size_t row = b * TILE_ROWS + r;

			finite &= put_row(row < count ? rows + row * d : NULL,
					  d, block + r * d);
		}
		tile_pack(rank->units + b * TILE_ROWS * d, block, d);
	}
	free(block);
	if (!finite)
		rank_end(rank);
	return finite;
}

void rank_end(struct rank *rank)
{
	free(rank->units);
	*rank = (struct rank){0};
}

void ranker_begin(struct ranker *ranker, const struct rank *rank)
{
	size_t rows = rank->blocks * TILE_ROWS;

	ranker->rank = rank;
	ranker->unit = alloc(rank->d, sizeof(float));
	ranker->queries = alloc_aligned(alloc_product(rank->d, TILE_QUERIES),
					sizeof(float));
	ranker->scores =
		alloc_aligned(alloc_product(TILE_QUERIES, rows), sizeof(float));
	ranker->keys = alloc(rows, sizeof *ranker->keys);
}

void ranker_end(struct ranker *ranker)
{
	free(ranker->unit);
	free(ranker->queries);
	free(ranker->scores);
	free(ranker->keys);
}

void ranker_put(struct ranker *ranker, size_t i, const float *vector,
		double factor)
{
	size_t d = ranker->rank->d;

	if (factor != 0)
		tile_scale(ranker->unit, vector, d, factor);
	tile_put(ranker->queries, i, factor != 0 ? ranker->unit : NULL, d);
}

void ranker_score(struct ranker *ranker)
{
	const struct rank *rank = ranker->rank;

	for (size_t b = 0; b < rank->blocks; b++)
		tile_all(rank->kernel, ranker->queries,
			 rank->units + b * TILE_ROWS * rank->d, rank->d,
			 UINT64_MAX, ranker->scores + b * TILE_ROWS,
			 rank->blocks * TILE_ROWS);
}

size_t ranker_take(struct ranker *ranker, size_t i, size_t wanted,
		   uint32_t *rows)
{
	size_t blocks = ranker->rank->blocks, count = 0;
	const float *scores = ranker->scores + i * blocks * TILE_ROWS;
	float bar = best_reached(scores, blocks * TILE_ROWS, wanted);

	/* Those as near as the last count, and a cosine above 1 is 1. */
	bar = score_below(METRIC_COSINE, bar < 1 ? bar : 1);
	for (size_t b = 0; b < blocks; b++)
		for (uint64_t above = best_above(scores + b * TILE_ROWS, bar);
		     above != 0; above &= above - 1) {
			size_t row =
				b * TILE_ROWS + (size_t)__builtin_ctzll(above);

			ranker->keys[count++] = best_key(
				METRIC_COSINE, scores[row], (uint32_t)row);
		}
	best_sort(ranker->keys, count);
	if (count > wanted)
		count = wanted;
	for (size_t k = 0; k < count; k++)
		rows[k] = best_row(ranker->keys[k]);
	return count;
}
