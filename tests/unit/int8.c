/* int8: the upper bound of a row is never below its exact score and the lower
 * bound never above it, by every kernel and for rows that quantize badly;
 * kernels differ by rounding at most. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/int8_kernels.h"
#include "search/dot_kernels.h"
#include "cases.h"

enum { CASES = 2000, MOST = 300 };

/* Rows that quantize badly: one large column among small ones, all equal,
 * halfway between two codes, subnormal, huge, nearly zero. */
static float number_of(size_t kind, size_t j, size_t at)
{
	float normal = (float)random_normal(seed, counter++);

	switch (kind) {
	case 0:
		return normal;
	case 1:
		return j == at ? 1000 : normal;
	case 2:
		return 1;
	case 3: /* Halfway between two codes, as seen from the largest. */
		return j == at ? 127 : (float)((int)chance(253) - 126) + 0.5F;
	case 4:
		return ldexpf(normal, -140);
	case 5:
		return ldexpf(normal, 120);
	case 6:
		return ldexpf(normal, -(int)chance(120));
	case 7:
		return j == at ? -1 : 0;
	default: /* Alternating, so that codes cancel in pairs. */
		return j % 2 ? -1.0F : 1.0F;
	}
}

/* A unit vector as search/exact_search.h compares it; zero for a zero vector.
 */
static void make_unit(float *unit, size_t d)
{
	size_t kind = chance(9), at = chance(d);

	for (size_t j = 0; j < d; j++)
		unit[j] = number_of(kind, j, at);
	double square = dot_square_norm(unit, d);
	if (square > 0)
		dot_scale(unit, unit, d, 1 / sqrt(square));
}

/* The codes of a row by their definition, column by column: the same bits on
 * every processor, so that an index has the same bytes wherever it is made. */
static int check_bytes(const float *unit, size_t d, const uint8_t *block,
		       size_t r, float scale, float residual)
{
	float largest = 0, over;
	double sums[8] = {0}, sum = 0;
	int failed = 0;

	for (size_t j = 0; j < d; j++)
		largest = fmaxf(largest, fabsf(unit[j]));
	over = largest > 0 ? 1 / (largest / 127) : 0;
	failed |= scale != largest / 127;
	for (size_t j = 0; j < d; j++) {
		float steps = rintf(unit[j] * over);
		double missed = (double)unit[j] - (double)scale * (double)steps;

		sums[j % 8] += missed * missed;
		failed |= block[(j / 4 * INT8_BLOCK_ROWS + r) * 4 + j % 4] !=
			  (uint8_t)(128 + (int)steps);
	}
	for (size_t l = 0; l < 8; l++)
		sum += sums[l];
	failed |= residual != nextafterf((float)sqrt(sum), INFINITY);
	if (failed)
		printf("seed %llu: d %zu: bytes of row %zu are not as defined\n",
		       (unsigned long long)seed, d, r);
	return failed;
}

struct int8_case {
	float rows[INT8_BLOCK_ROWS][MOST], query[MOST];
	_Alignas(64) float scales[INT8_BLOCK_ROWS], residuals[INT8_BLOCK_ROWS];
	float scores[INT8_BLOCK_ROWS];
};

static int fill(struct int8_case *test, uint8_t *block, size_t d)
{
	int failed = 0;

	make_unit(test->query, d);
	for (size_t r = 0; r < INT8_BLOCK_ROWS; r++) {
		float *row = test->rows[r];

		make_unit(row, d);
		if (chance(4) == 0)
			memcpy(row, test->query, d * sizeof *row);
		if (chance(4) == 0)
			for (size_t j = 0; j < d; j++)
				row[j] = -row[j];
		int8_quantize(row, d, block, r, &test->scales[r],
			      &test->residuals[r]);
		test->scores[r] = dot_kernel_get(DOT_KERNELS - 1)
					  ->exact_pair(test->query, row, d);
		failed |= check_bytes(row, d, block, r, test->scales[r],
				      test->residuals[r]);
	}
	return failed;
}

/* The smallest threshold at which the row is left out, by bisection. */
static float bound_of(const struct int8_kernel *bounds,
		      const struct int8_query *query, const uint8_t *block,
		      const struct int8_case *test, size_t r)
{
	float low = -4, high = 4;

	for (int i = 0; i < 40; i++) {
		float threshold = low + (high - low) / 2;

		if (bounds->mask_query(query, block, test->scales,
				       test->residuals, threshold) >>
			    r &
		    1)
			low = threshold;
		else
			high = threshold;
	}
	return low;
}

static int check(const struct int8_kernel *bounds,
		 const struct int8_query *query, const uint8_t *block,
		 struct int8_case *test, size_t d)
{
	const struct int8_kernel *plain = int8_kernel_get(INT8_KERNELS - 1);
	size_t looked = chance(INT8_BLOCK_ROWS);
	int failed = 0;

	for (size_t r = 0; r < INT8_BLOCK_ROWS; r++) {
		/* With its own score as the threshold a row must stay. */
		if (bounds->mask_query(query, block, test->scales,
				       test->residuals, test->scores[r]) >>
			    r &
		    1)
			continue;
		printf("seed %llu, %s: d %zu, row %zu of score %.9g is left "
		       "out\n",
		       (unsigned long long)seed, bounds->name, d, r,
		       (double)test->scores[r]);
		failed = 1;
	}
	float bound = bound_of(bounds, query, block, test, looked);
	float other = bound_of(plain, query, block, test, looked);
	if (fabsf(bound - other) > 4e-6F) {
		printf("seed %llu, %s: d %zu, row %zu has a bound of %.9g, "
		       "plainly %.9g\n",
		       (unsigned long long)seed, bounds->name, d, looked,
		       (double)bound, (double)other);
		failed = 1;
	}
	/* What is damaged is looked at, and found so then. */
	float kept = test->residuals[looked];
	test->residuals[looked] = NAN;
	if (!(bounds->mask_query(query, block, test->scales, test->residuals,
				 2) >>
		      looked &
	      1)) {
		printf("seed %llu, %s: a row without a bound is left out\n",
		       (unsigned long long)seed, bounds->name);
		failed = 1;
	}
	test->residuals[looked] = kept;
	/* A bound that says nothing would pass all of this: the length of what
	 * bytes miss is half a step for each column at most, of the row and of
	 * the query, and it counts twice. */
	double most = (double)test->scores[looked] +
		      2.02 / 127 * sqrt((double)d) + 1e-4;
	if ((double)bound > most) {
		printf("seed %llu, %s: d %zu, row %zu of score %.9g has a "
		       "bound of %.9g\n",
		       (unsigned long long)seed, bounds->name, d, looked,
		       (double)test->scores[looked], (double)bound);
		failed = 1;
	}
	return failed;
}

/* No score is below its lower bound, nor far above it. */
static int check_lower(const struct int8_kernel *bounds,
		       const struct int8_query *query, const uint8_t *block,
		       const struct int8_case *test, size_t d)
{
	size_t at = chance(TILE_QUERIES);
	uint64_t rows = random_bits(seed, counter++);
	float lower[TILE_QUERIES * 2 * INT8_BLOCK_ROWS];
	struct int8_query_group group;
	int failed = 0;

	int8_query_group_begin(&group, d);
	for (size_t i = 0; i < TILE_QUERIES; i++)
		int8_query_group_set(&group, i, i == at ? query : NULL);
	bounds->lower_bounds(&group, block, test->scales, test->residuals, rows,
			     lower, 2 * INT8_BLOCK_ROWS);
	for (size_t r = 0; r < INT8_BLOCK_ROWS; r++) {
		float own = lower[at * 2 * INT8_BLOCK_ROWS + r];
		float least = int8_query_group_unscale(&group, at, own);
		double most = (double)test->scores[r] -
			      2.02 / 127 * sqrt((double)d) - 1e-4;

		if (rows >> r & 1
			    ? least <= test->scores[r] && (double)least >= most
			    : own == -INFINITY)
			continue;
		printf("seed %llu, %s: d %zu, row %zu of score %.9g is at "
		       "least %.9g\n",
		       (unsigned long long)seed, bounds->name, d, r,
		       (double)test->scores[r], (double)least);
		failed = 1;
	}
	int8_query_group_end(&group);
	return failed;
}

/* The masks of a group with the query among others are those of the query
 * alone, but where the bound equals the threshold to rounding; a row's own
 * lower threshold keeps it. */
static int check_masks(const struct int8_kernel *bounds,
		       const struct int8_query *query, const uint8_t *block,
		       const struct int8_case *test, size_t d)
{
	size_t at = chance(TILE_QUERIES), looked = chance(INT8_BLOCK_ROWS);
	float thresholds[TILE_QUERIES], row_thresholds[INT8_BLOCK_ROWS];
	uint64_t masks[TILE_QUERIES];
	struct int8_query_group group;
	int failed = 0;

	int8_query_group_begin(&group, d);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		int8_query_group_set(&group, i, i == at ? query : NULL);
		thresholds[i] = i == at ? test->scores[looked] : INFINITY;
	}
	for (size_t r = 0; r < INT8_BLOCK_ROWS; r++)
		row_thresholds[r] = INFINITY;
	bounds->mask_group(&group, block, test->scales, test->residuals,
			   thresholds, NULL, masks);
	uint64_t sure =
		bounds->mask_query(query, block, test->scales, test->residuals,
				   thresholds[at] + 4e-6F);
	uint64_t most =
		bounds->mask_query(query, block, test->scales, test->residuals,
				   thresholds[at] - 4e-6F);
	failed |= (masks[at] & sure) != sure || (masks[at] & ~most) != 0;
	failed |= (masks[at] >> looked & 1) == 0;
	thresholds[at] = INFINITY;
	row_thresholds[looked] = test->scores[looked];
	bounds->mask_group(&group, block, test->scales, test->residuals,
			   thresholds, row_thresholds, masks);
	failed |= masks[at] != (uint64_t)1 << looked;
	for (size_t i = 0; i < TILE_QUERIES; i++)
		failed |= i != at && (masks[i] & ~((uint64_t)1 << looked)) != 0;
	int8_query_group_end(&group);
	if (failed)
		printf("seed %llu, %s: the masks of d %zu are not those of "
		       "its thresholds\n",
		       (unsigned long long)seed, bounds->name, d);
	return failed;
}

static int run_case(void)
{
	struct int8_case *test = alloc_aligned(1, sizeof *test);
	size_t d = 1 + chance(chance(2) ? 20 : MOST);
	uint8_t *block = alloc_aligned(int8_block_bytes(d), 1);
	struct int8_query query;
	int failed = fill(test, block, d);

	int8_query_begin(&query, d);
	int8_query_set(&query, test->query, d);
	for (unsigned i = 0; i < INT8_KERNELS; i++) {
		const struct int8_kernel *bounds = int8_kernel_get(i);

		if (bounds == NULL)
			continue;
		failed |= check(bounds, &query, block, test, d);
		failed |= check_masks(bounds, &query, block, test, d);
		failed |= check_lower(bounds, &query, block, test, d);
	}
	int8_query_end(&query);
	free(block);
	free(test);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
