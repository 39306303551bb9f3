#include "search/combined_bounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpu_features.h"
#include "search/topk.h"

static const double one = (double)INDEX_WEIGHT_ONE * INDEX_WEIGHT_ONE;

void combined_bounds_begin(struct combined_bounds *bounds,
			   const struct inverted_index *index,
			   const struct combined_kernel *kernel,
			   const struct similarity *similarity)
{
	*bounds = (struct combined_bounds){
		.index = index,
		.kernel = kernel,
		.profile = similarity->profile,
		.alpha = (float)similarity->alpha,
		.codes = alloc(index->code_columns, 1),
	};
}

void combined_bounds_end(struct combined_bounds *bounds)
{
	free(bounds->codes);
	bounds->codes = NULL;
}

/* norm_product and max_dense of a bin. */
static void set_bin(struct combined_bounds *bounds, size_t b, double alpha,
		    const struct score_side *side)
{
	const struct index_bin *bin = &bounds->index->bins[b];

	bounds->norm_product[b] = 1;
	bounds->max_dense[b] = 0;
	if (bounds->profile || bin->low > bin->high)
		return;
	double u0 = sqrt(side->g * bin->low) * (1 - 1e-6);
	double u1 = sqrt(side->g * bin->high) * (1 + 1e-6);
	double peak = 0.5625 * alpha * alpha;
	double top = combined_weight(alpha, fmin(fmax(peak, u0), u1));
	double bottom =
		fmin(combined_weight(alpha, u0), combined_weight(alpha, u1));
	double norm = 1 + fmin(combined_weight(alpha, bin->low),
			       combined_weight(alpha, bin->high));

	bounds->max_dense[b] = fmax(top, -bottom) + 1e-6;
	bounds->norm_product[b] = sqrt(side->norm * fmax(0, norm)) * (1 - 1e-6);
}

/* err: see combined_bounds.h. */
static float weight_error(size_t tags)
{
	double unit = 1.0 / INDEX_WEIGHT_ONE, t = (double)tags;

	return (float)(sqrt(t) * unit + t * unit * unit / 4 + 1e-7) *
	       (1 + 1e-6F);
}

void combined_bounds_set(struct combined_bounds *bounds,
			 const struct similarity *similarity,
			 const struct score_side *side, const float *vector,
			 size_t tags)
{
	size_t d = bounds->index->d;
	int32_t sum = 0;

	bounds->vanishing = side->norm < COMBINED_MIN_NORM;
	bounds->sqrt_g = (float)sqrt(side->g);
	bounds->inverse_norm =
		bounds->vanishing ? 1 : (float)(1 / sqrt(side->norm));
	bounds->error = weight_error(tags);
	bounds->scale = 0;
	bounds->residual = 1;
	if (bounds->index->code_columns > 0 && !bounds->profile)
		bounds->scale = index_quantize(vector, sqrt(side->x_square), d,
					       INDEX_QUERY_MOST, bounds->codes,
					       &bounds->residual);
	for (size_t j = 0; j < bounds->index->code_columns; j++)
		sum += bounds->codes[j];
	bounds->offset = INDEX_CODE_ZERO * sum;
	for (size_t b = 0; b < INDEX_BINS; b++)
		set_bin(bounds, b, similarity->alpha, side);
}

uint32_t combined_bounds_thresholds(const struct combined_bounds *bounds,
				    float threshold,
				    int32_t thresholds[INDEX_BINS])
{
	double error = (double)bounds->error + (double)BOUNDS_SLACK;
	uint32_t unpruned = 0;

	for (size_t b = 0; b < INDEX_BINS; b++) {
		const struct index_bin *bin = &bounds->index->bins[b];
		double sum = 0;

		if (threshold > 0)
			sum = one *
			      ((double)threshold * bounds->norm_product[b] -
			       bounds->max_dense[b] - error);
		if (sum < 1 && bin->low <= bin->high)
			unpruned |= UINT32_C(1) << b;
		thresholds[b] = sum < 1     ? 1
				: sum > 2e9 ? 2000000000
					    : (int32_t)sum;
	}
	return unpruned;
}

/* What both ranges take of a row. */
struct factors {
	float a;            /* sum / 32767^2 */
	float dense;        /* h(u) */
	float inverse_norm; /* 1 / sqrt(N_q N_y) */
	bool usable;        /* neither N is too small for a score */
};

/* 1 / sqrt(N_y), or INFINITY where it is too small for a score. */
static float row_inverse_norm(float alpha, const struct index_row *y)
{
	float norm =
		alpha * (y->sqrt_g * y->sqrt_g * y->sqrt_g) + y->residual_share;

	return norm > 2 * (float)COMBINED_MIN_NORM ? 1 / sqrtf(norm) : INFINITY;
}

static struct factors factors_of(const struct combined_bounds *bounds,
				 uint32_t row, int32_t sum)
{
	const struct index_row *y = &bounds->index->rows[row];
	struct factors factors = {.a = (float)sum * (float)(1 / one),
				  .inverse_norm = 1,
				  .usable = true};

	if (bounds->profile)
		return factors;
	float u = bounds->sqrt_g * y->sqrt_g;
	float norm = bounds->alpha * y->sqrt_g * y->sqrt_g * y->sqrt_g +
		     y->residual_share;

	factors.dense = bounds->alpha * (u * sqrtf(u)) - u * u;
	factors.usable =
		!bounds->vanishing && norm > 2 * (float)COMBINED_MIN_NORM;
	if (factors.usable)
		factors.inverse_norm = bounds->inverse_norm / sqrtf(norm);
	return factors;
}

static struct score_range range_of(const struct combined_bounds *bounds,
				   const struct factors *factors, float low,
				   float high)
{
	float error = bounds->error + BOUNDS_SLACK;

	if (!factors->usable)
		return (struct score_range){-1, 1};
	low = (factors->a - error + low) * factors->inverse_norm;
	high = (factors->a + error + high) * factors->inverse_norm;
	/* Scores are cut off at -1 and 1, too. */
	return (struct score_range){low > 1 ? 1 : low, high < -1 ? -1 : high};
}

struct score_range
combined_bounds_by_norms(const struct combined_bounds *bounds, uint32_t row,
			 int32_t sum)
{
	struct factors factors = factors_of(bounds, row, sum);
	float most = fabsf(factors.dense);

	return range_of(bounds, &factors, -most, most);
}

struct score_range
combined_bounds_by_codes(const struct combined_bounds *bounds, uint32_t row,
			 int32_t sum)
{
	const struct inverted_index *index = bounds->index;
	struct factors factors = factors_of(bounds, row, sum);
	float most = fabsf(factors.dense);

	if (bounds->profile || !factors.usable)
		return range_of(bounds, &factors, -most, most);
	const struct index_row *y = &index->rows[row];
	int32_t dot = bounds->kernel->code_dot(
		bounds->codes, index->codes + row * index->code_columns / 2,
		index->code_columns);
	float c = (float)(dot - bounds->offset) * y->scale * bounds->scale;
	float e = y->residual * (1 + bounds->residual) + bounds->residual;
	float middle = factors.dense * c, half = most * (e + 2e-6F);
	float low = middle - half, high = middle + half;

	return range_of(bounds, &factors, low < -most ? -most : low,
			high > most ? most : high);
}

void combined_bounds_tile(const struct inverted_index *index,
			  const struct similarity *similarity, size_t first,
			  struct bounds_tile *tile)
{
	float alpha = (float)similarity->alpha;
	size_t left = index->matrix->n - first;
	size_t count = left < BOUNDS_TILE ? left : BOUNDS_TILE;

	*tile = (struct bounds_tile){
		.rows = count < 64 ? (UINT64_C(1) << count) - 1 : UINT64_MAX};
	for (size_t i = 0; i < count; i++) {
		const struct index_row *y = &index->rows[first + i];

		tile->sqrt_g[i] = y->sqrt_g;
		tile->inverse_norm[i] = row_inverse_norm(alpha, y);
	}
}

/* Upper bounds of the scores of a tile's rows. */
static inline __attribute__((always_inline)) void
bound_tile(const struct bounds_tile *tile, float sqrt_g, float alpha,
	   float error, float inverse_norm, float high[BOUNDS_TILE])
{
	for (size_t i = 0; i < BOUNDS_TILE; i++) {
		float u = sqrt_g * tile->sqrt_g[i];

		high[i] = (error + fabsf(alpha * (u * sqrtf(u)) - u * u)) *
			  (inverse_norm * tile->inverse_norm[i]);
	}
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void
avx2_tile(const struct bounds_tile *tile, float sqrt_g, float alpha,
	  float error, float inverse_norm, float high[BOUNDS_TILE])
{
	bound_tile(tile, sqrt_g, alpha, error, inverse_norm, high);
}
#endif

uint64_t combined_bounds_tile_mask(const struct combined_bounds *bounds,
				   const struct bounds_tile *tile,
				   float threshold)
{
	float error = bounds->error + BOUNDS_SLACK, high[BOUNDS_TILE];
	float inverse_norm =
		bounds->vanishing ? INFINITY : bounds->inverse_norm;

#ifdef __x86_64__
	if (cpu_has_avx2())
		avx2_tile(tile, bounds->sqrt_g, bounds->alpha, error,
			  inverse_norm, high);
	else
#endif
		bound_tile(tile, bounds->sqrt_g, bounds->alpha, error,
			   inverse_norm, high);
	return mask_above(high, nextafterf(threshold, -INFINITY)) & tile->rows;
}
