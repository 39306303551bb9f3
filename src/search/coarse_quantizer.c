#include "search/coarse_quantizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/topk.h"

/* Normalize a row. A zero vector, and row NULL, begin with NaN, so that all
 * scores are NaN. Returns false if the row is not finite. */
static bool pack_row(const float *row, size_t d, float *unit)
{
	double square = row ? dot_square_norm(row, d) : 0;

	memset(unit, 0, d * sizeof *unit);
	unit[0] = NAN;
	if (square > 0)
		dot_scale(unit, row, d, 1 / sqrt(square));
	return isfinite(square);
}

bool coarse_quantizer_begin(struct coarse_quantizer *quantizer,
			    const float *rows, size_t count, size_t d,
			    const struct dot_kernel *kernel)
{
	float *block = alloc(alloc_product(TILE_ROWS, d), sizeof *block);
	bool finite = true;

	*quantizer = (struct coarse_quantizer){
		.kernel = kernel,
		.count = count,
		.blocks = (count + TILE_ROWS - 1) / TILE_ROWS,
		.d = d,
	};
	quantizer->units = alloc_aligned(
		alloc_product(quantizer->blocks, alloc_product(TILE_ROWS, d)),
		sizeof(float));
	for (size_t b = 0; b < quantizer->blocks; b++) {
		for (size_t r = 0; r < TILE_ROWS; r++) {
			size_t row = b * TILE_ROWS + r;

			finite &= pack_row(row < count ? rows + row * d : NULL,
					   d, block + r * d);
		}
		dot_pack_rows(quantizer->units + b * TILE_ROWS * d, block, d);
	}
	free(block);
	if (!finite)
		coarse_quantizer_end(quantizer);
	return finite;
}

void coarse_quantizer_end(struct coarse_quantizer *quantizer)
{
	free(quantizer->units);
	*quantizer = (struct coarse_quantizer){0};
}

void coarse_query_begin(struct coarse_query *query,
			const struct coarse_quantizer *quantizer)
{
	size_t rows = quantizer->blocks * TILE_ROWS;

	query->quantizer = quantizer;
	query->unit = alloc(quantizer->d, sizeof(float));
	query->packed = alloc_aligned(alloc_product(quantizer->d, TILE_QUERIES),
				      sizeof(float));
	query->scores =
		alloc_aligned(alloc_product(TILE_QUERIES, rows), sizeof(float));
	query->keys = alloc(rows, sizeof *query->keys);
}

void coarse_query_end(struct coarse_query *query)
{
	free(query->unit);
	free(query->packed);
	free(query->scores);
	free(query->keys);
}

void coarse_query_put(struct coarse_query *query, size_t i, const float *vector,
		      double factor)
{
	size_t d = query->quantizer->d;

	if (factor != 0)
		dot_scale(query->unit, vector, d, factor);
	dot_pack_query(query->packed, i, factor != 0 ? query->unit : NULL, d);
}

void coarse_query_score(struct coarse_query *query)
{
	const struct coarse_quantizer *quantizer = query->quantizer;

	for (size_t b = 0; b < quantizer->blocks; b++)
		dot_score_tile(quantizer->kernel, query->packed,
			       quantizer->units + b * TILE_ROWS * quantizer->d,
			       quantizer->d, UINT64_MAX,
			       query->scores + b * TILE_ROWS,
			       quantizer->blocks * TILE_ROWS);
}

size_t coarse_query_nearest(struct coarse_query *query, size_t i, size_t wanted,
			    uint32_t *rows)
{
	size_t blocks = query->quantizer->blocks, count = 0;
	const float *scores = query->scores + i * blocks * TILE_ROWS;
	float threshold = kth_lower_bound(scores, blocks * TILE_ROWS, wanted);

	/* Rows that tie with the last must be kept; cosines above 1 count as 1.
	 */
	threshold =
		score_below(METRIC_EMBEDDING, threshold < 1 ? threshold : 1);
	for (size_t b = 0; b < blocks; b++)
		for (uint64_t above =
			     mask_above(scores + b * TILE_ROWS, threshold);
		     above != 0; above &= above - 1) {
			size_t row =
				b * TILE_ROWS + (size_t)__builtin_ctzll(above);

			query->keys[count++] = topk_key(
				METRIC_EMBEDDING, scores[row], (uint32_t)row);
		}
	topk_sort_keys(query->keys, count);
	if (count > wanted)
		count = wanted;
	for (size_t k = 0; k < count; k++)
		rows[k] = topk_key_row(query->keys[k]);
	return count;
}
