/* segmentation: assignment against a plain loop over all centres; training
 * gives unit vectors, the same bytes for any number of threads, and groups that
 * lie far apart whole, where k is their number. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "cases.h"
#include "search/dot_kernels.h"
#include "search/nearest_centre.h"
#include "search/segmentation.h"

enum { CASES = 60, MAX_ROWS = 300, MAX_DIMENSIONS = 24, MAX_GROUPS = 9 };

static double random_normal_at(void)
{
	return random_normal(seed, counter++);
}

static int check_assignment(const float *centres, size_t k, const float *rows,
			    size_t n, size_t d)
{
	static uint32_t group[MAX_ROWS];
	static float cosine[MAX_ROWS], margin[MAX_ROWS];
	const struct dot_kernel *plain = dot_kernel_get(DOT_KERNELS - 1);
	const struct centre_assignment assignment = {.centres = centres,
						     .rows = rows,
						     .k = k,
						     .n = n,
						     .d = d,
						     .group = group,
						     .cosine = cosine,
						     .margin = margin};

	if (!nearest_centre_assign(&assignment, 1 + seed % 3))
		return fail("assignment refused");
	for (size_t i = 0; i < n; i++) {
		float first = -2, second = -2, unit[MAX_DIMENSIONS];
		double square = dot_square_norm(rows + i * d, d);
		uint32_t best = NEAREST_CENTRE_NONE;

		if (square > 0)
			dot_scale(unit, rows + i * d, d, 1 / sqrt(square));
		for (size_t c = 0; c < k && square > 0; c++) {
			float centre[MAX_DIMENSIONS], score;

			dot_scale(
				centre, centres + c * d, d,
				1 / sqrt(dot_square_norm(centres + c * d, d)));
			score = plain->exact_pair(unit, centre, d);
			if (score > first) {
				second = first;
				first = score;
				best = (uint32_t)c;
			} else if (score > second) {
				second = score;
			}
		}
		if (group[i] != best)
			return fail("not the nearest centre");
		if (best == NEAREST_CENTRE_NONE
			    ? !isnan(cosine[i]) || !isnan(margin[i])
			    : cosine[i] != (first > 1 ? 1 : first))
			return fail("not the cosine");
		if (best != NEAREST_CENTRE_NONE &&
		    (k == 1 ? !isnan(margin[i]) : margin[i] != first - second))
			return fail("not the margin");
	}
	return 0;
}

/* Rows around as many directions as there are groups; some are zero. */
static void make_rows(float *rows, size_t *kind, size_t n, size_t d,
		      size_t groups)
{
	double directions[MAX_GROUPS * MAX_DIMENSIONS] = {0};

	for (size_t i = 0; i < groups * d; i++)
		directions[i] = 10 * random_normal_at();
	for (size_t i = 0; i < n; i++) {
		kind[i] = i % groups;
		double scale = i % 17 == 16 ? 0 : 0.1 + (double)chance(100);
		for (size_t j = 0; j < d; j++)
			rows[i * d + j] =
				(float)(scale * (directions[kind[i] * d + j] +
						 random_normal_at() / 4));
	}
}

static int check_found(const size_t *kind, size_t n, size_t groups,
		       const float *centres, const float *rows, size_t d)
{
	static uint32_t group[MAX_ROWS];
	uint32_t of_kind[MAX_GROUPS];
	const struct centre_assignment assignment = {.centres = centres,
						     .rows = rows,
						     .k = groups,
						     .n = n,
						     .d = d,
						     .group = group};

	nearest_centre_assign(&assignment, 1);
	for (size_t i = 0; i < n; i++)
		if (i < groups)
			of_kind[i] = group[i];
		else if (group[i] != NEAREST_CENTRE_NONE &&
			 group[i] != of_kind[kind[i]])
			return fail("a group is not whole");
	return 0;
}

static int run_case(void)
{
	size_t d = 12 + chance(MAX_DIMENSIONS - 11);
	size_t groups = 1 + chance(MAX_GROUPS);
	size_t n = groups * 16 + chance(MAX_ROWS - groups * 16);
	size_t k = seed % 2 ? groups : 1 + chance(12), kind[MAX_ROWS];
	float *rows = alloc(n * d, sizeof *rows);
	float *centres = alloc(k * d, sizeof *centres);
	float *again = alloc(k * d, sizeof *again);
	struct row_sample sample;
	int failed;

	make_rows(rows, kind, n, d, groups);
	row_sample_draw(&sample, rows, n, d, SEGMENTATION_SAMPLE, seed);
	segmentation_train(&sample, k, 4, seed, 1, centres);
	segmentation_train(&sample, k, 4, seed, 3, again);
	failed = memcmp(centres, again, k * d * sizeof *centres) != 0 &&
		 fail("other threads, other bytes");
	for (size_t c = 0; c < k; c++)
		if (fabs(dot_square_norm(centres + c * d, d) - 1) > 1e-5)
			failed |= fail("a centre is no unit vector");
	failed |= check_assignment(centres, k, rows, n, d);
	if (k == groups)
		failed |= check_found(kind, n, groups, centres, rows, d);
	rows[n * d - 1] = NAN;
	if (nearest_centre_assign(
		    &(struct centre_assignment){
			    .centres = centres,
			    .rows = rows,
			    .k = k,
			    .n = n,
			    .d = d,
			    .group = (uint32_t[MAX_ROWS]){0}},
		    2))
		failed |= fail("a row that is not finite is taken");
	row_sample_free(&sample);
	free(rows);
	free(centres);
	free(again);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
