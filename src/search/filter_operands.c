#include "search/filter_operands.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

void query_batch_begin(struct query_batch *batch,
		       const struct score_kernels *filter, size_t count)
{
	*batch = (struct query_batch){.filter = filter, .count = count};
	batch->vectors =
		alloc_aligned(alloc_product(count, filter->d), sizeof(float));
	batch->each = alloc(count, sizeof *batch->each);
	if (filter->bounds == NULL)
		return;
	batch->int8_queries = alloc(count, sizeof *batch->int8_queries);
	batch->codes = alloc(count, int8_row_bytes(filter->d));
	for (size_t i = 0; i < count; i++)
		int8_query_place(&batch->int8_queries[i], filter->d,
				 batch->codes + i * int8_row_bytes(filter->d));
}

void query_batch_put(struct query_batch *batch, size_t i, const float *vector,
		     double factor)
{
	size_t d = batch->filter->d;
	float *unit = batch->vectors + i * d;

	batch->each[i] = (struct panel_query){NULL, NULL};
	if (factor == 0)
		return;
	dot_scale(unit, vector, d, factor);
	batch->each[i].vector = unit;
	if (batch->int8_queries != NULL) {
		int8_query_set(&batch->int8_queries[i], unit, d);
		batch->each[i].int8 = &batch->int8_queries[i];
	}
}

void query_batch_end(struct query_batch *batch)
{
	free(batch->int8_queries);
	free(batch->codes);
	free(batch->vectors);
	free(batch->each);
	*batch = (struct query_batch){0};
}

void packed_block_begin(struct packed_block *packed,
			const struct score_kernels *filter)
{
	size_t items = alloc_product(TILE_ROWS, filter->d);

	*packed = (struct packed_block){.filter = filter};
	packed->vectors = alloc_aligned(items, sizeof(float));
	if (filter->bounds != NULL) {
		packed->codes = alloc_aligned(int8_block_bytes(filter->d), 1);
		packed->scales = alloc_aligned(TILE_ROWS, sizeof(float));
		packed->residuals = alloc_aligned(TILE_ROWS, sizeof(float));
	}
	packed->block = (struct row_block){
		.vectors = packed->vectors,
		.codes = packed->codes,
		.scales = packed->scales,
		.residuals = packed->residuals,
	};
}

/* Row r becomes vector times factor; absent for a factor of 0. */
static void pack_row(struct packed_block *packed, size_t r, const float *vector,
		     double factor)
{
	const struct score_kernels *filter = packed->filter;
	float *unit = packed->vectors + r * filter->d;

	for (size_t j = 0; j < filter->d && factor == 0; j++)
		unit[j] = 0;
	if (factor != 0)
		dot_scale(unit, vector, filter->d, factor);
	if (filter->bounds != NULL)
		int8_quantize(unit, filter->d, packed->codes, r,
			      &packed->scales[r], &packed->residuals[r]);
	if (factor != 0)
		return;
	/* Its upper bound is below any finite threshold. */
	unit[0] = NAN;
	if (filter->bounds != NULL)
		packed->residuals[r] = -INFINITY;
}

uint64_t packed_block_fill(struct packed_block *packed, const float *rows,
			   const double *factors, size_t first, size_t end)
{
	uint64_t present = 0;

	for (size_t r = 0; r < TILE_ROWS; r++) {
		size_t row = first + r;
		double factor = row < end ? factors[row] : 0;

		pack_row(packed, r,
			 factor != 0 ? rows + row * packed->filter->d : NULL,
			 factor);
		present |= (uint64_t)(factor != 0) << r;
	}
	return present;
}

void packed_block_end(struct packed_block *packed)
{
	free(packed->vectors);
	free(packed->codes);
	free(packed->scales);
	free(packed->residuals);
	*packed = (struct packed_block){0};
}
