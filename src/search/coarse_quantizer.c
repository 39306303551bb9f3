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
	double square = row ? dot_square_norm(row, d) : 0;

	memset(unit, 0, d * sizeof *unit);
	unit[0] = NAN;
	if (square > 0)
		dot_scale(unit, row, d, 1 / sqrt(square));
	return isfinite(square);
}

bool coarse_quantizer_begin(struct coarse_quantizer *rank, const float *rows,
			    size_t count, size_t d,
			    const struct dot_kernel *kernel)
{
	float *block = alloc(alloc_product(TILE_ROWS, d), sizeof *block);
	bool finite = true;

	*rank = (struct coarse_quantizer){
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
		dot_pack_rows(rank->units + b * TILE_ROWS * d, block, d);
	}
	free(block);
	if (!finite)
		coarse_quantizer_end(rank);
	return finite;
}

void coarse_quantizer_end(struct coarse_quantizer *rank)
{
	free(rank->units);
	*rank = (struct coarse_quantizer){0};
}

void coarse_query_begin(struct coarse_query *ranker,
			const struct coarse_quantizer *rank)
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

void coarse_query_end(struct coarse_query *ranker)
{
	free(ranker->unit);
	free(ranker->queries);
	free(ranker->scores);
	free(ranker->keys);
}

void coarse_query_put(struct coarse_query *ranker, size_t i,
		      const float *vector, double factor)
{
	size_t d = ranker->rank->d;

	if (factor != 0)
		dot_scale(ranker->unit, vector, d, factor);
	dot_pack_query(ranker->queries, i, factor != 0 ? ranker->unit : NULL,
		       d);
}

void coarse_query_score(struct coarse_query *ranker)
{
	const struct coarse_quantizer *rank = ranker->rank;

	for (size_t b = 0; b < rank->blocks; b++)
		dot_score_tile(rank->kernel, ranker->queries,
			       rank->units + b * TILE_ROWS * rank->d, rank->d,
			       UINT64_MAX, ranker->scores + b * TILE_ROWS,
			       rank->blocks * TILE_ROWS);
}

size_t coarse_query_take(struct coarse_query *ranker, size_t i, size_t wanted,
			 uint32_t *rows)
{
	size_t blocks = ranker->rank->blocks, count = 0;
	const float *scores = ranker->scores + i * blocks * TILE_ROWS;
	float bar = kth_lower_bound(scores, blocks * TILE_ROWS, wanted);

	/* Those as near as the last count, and a cosine above 1 is 1. */
	bar = score_below(METRIC_COSINE, bar < 1 ? bar : 1);
	for (size_t b = 0; b < blocks; b++)
		for (uint64_t above = mask_above(scores + b * TILE_ROWS, bar);
		     above != 0; above &= above - 1) {
			size_t row =
				b * TILE_ROWS + (size_t)__builtin_ctzll(above);

			ranker->keys[count++] = topk_key(
				METRIC_COSINE, scores[row], (uint32_t)row);
		}
	topk_sort_keys(ranker->keys, count);
	if (count > wanted)
		count = wanted;
	for (size_t k = 0; k < count; k++)
		rows[k] = topk_key_row(ranker->keys[k]);
	return count;
}
