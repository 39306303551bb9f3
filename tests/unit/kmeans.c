/* kmeans: assignment against a plain loop over all centroids; training gives
 * unit vectors, the same bits for any number of threads, and cells that are
 * found again where rows lie in groups that are far apart. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/dot_kernels.h"
#include "search/kmeans.h"
#include "cases.h"

enum { CASES = 200, MAX_ROWS = 400, MAX_DIMENSIONS = 20, MAX_CELLS = 12 };

/* The score of two vectors by the plain kernel, as search/exact_search.h
 * defines the cosine. */
static float cosine(const float *a, const float *b, size_t d)
{
	float x[MAX_DIMENSIONS], y[MAX_DIMENSIONS], score;

	dot_scale(x, a, d, 1 / sqrt(dot_square_norm(a, d)));
	dot_scale(y, b, d, 1 / sqrt(dot_square_norm(b, d)));
	score = dot_kernel_get(DOT_KERNELS - 1)->exact_pair(x, y, d);
	return score > 1 ? 1 : score < -1 ? -1 : score;
}

static uint32_t nearest(const float *centroids, size_t count, const float *row,
			size_t d)
{
	uint32_t best = KMEANS_NONE;
	float high = -2;

	for (size_t c = 0; c < count && dot_square_norm(row, d) > 0; c++) {
		if (dot_square_norm(centroids + c * d, d) == 0)
			continue;
		float score = cosine(centroids + c * d, row, d);
		if (score > high) {
			high = score;
			best = (uint32_t)c;
		}
	}
	return best;
}

static int check_assignment(const float *centroids, size_t count,
			    const float *rows, size_t n, size_t d)
{
	uint32_t cells[MAX_ROWS];

	if (kmeans_assign(centroids, count, rows, n, d, 1 + seed % 3, cells))
		return fail("assignment refused");
	for (size_t i = 0; i < n; i++)
		if (cells[i] != nearest(centroids, count, rows + i * d, d))
			return fail("not the nearest centroid");
	return 0;
}

static int check_training(const float *rows, size_t n, size_t d, size_t count,
			  float *centroids)
{
	float again[MAX_CELLS * MAX_DIMENSIONS];
	size_t nonzero = 0;

	for (size_t i = 0; i < n; i++)
		nonzero += dot_square_norm(rows + i * d, d) > 0;
	if (kmeans_train(rows, n, d, seed, 1, centroids, count) ||
	    kmeans_train(rows, n, d, seed, 4, again, count))
		return fail("training refused");
	if (memcmp(centroids, again, count * d * sizeof *again) != 0)
		return fail("other bytes by another number of threads");
	for (size_t c = 0; c < count; c++) {
		double norm = sqrt(dot_square_norm(centroids + c * d, d));

		if (fabs(norm - (nonzero > 0)) > 1e-6)
			return fail("a centroid is not a unit vector");
	}
	return 0;
}

static int run_case(void)
{
	static float rows[MAX_ROWS * MAX_DIMENSIONS];
	float centroids[MAX_CELLS * MAX_DIMENSIONS];
	size_t n = 1 + chance(MAX_ROWS), d = 1 + chance(MAX_DIMENSIONS);
	size_t count = 1 + chance(n < MAX_CELLS ? n : MAX_CELLS);
	bool zero = chance(20) == 0;

	for (size_t i = 0; i < n * d; i++)
		rows[i] = zero || (i / d) % 17 == 5
				  ? 0
				  : (float)random_normal(seed, counter++);
	if (check_training(rows, n, d, count, centroids) ||
	    check_assignment(centroids, count, rows, n, d))
		return 1;
	rows[chance(n * d)] = NAN;
	uint32_t cells[MAX_ROWS];
	if (kmeans_assign(centroids, count, rows, n, d, 1, cells) == NULL)
		return fail("a row that is not finite was accepted");
	return 0;
}

/* Rows around the axes: one cell for each axis. */
static int check_groups(void)
{
	enum { AXES = 8, EACH = 40, ROWS = AXES * EACH };
	static float rows[ROWS * AXES];
	float centroids[AXES * AXES];
	uint32_t cells[ROWS];

	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < AXES; j++)
			rows[i * AXES + j] =
				(float)(j == i / EACH) +
				0.01f * (float)random_normal(seed, counter++);
	if (kmeans_train(rows, ROWS, AXES, seed, 2, centroids, AXES) ||
	    kmeans_assign(centroids, AXES, rows, ROWS, AXES, 2, cells))
		return fail("groups refused");
	for (size_t i = 0; i < ROWS; i++)
		if (cells[i] != cells[i / EACH * EACH])
			return fail("rows of a group in two cells");
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	seed = 1;
	if (kmeans_count(0) != 1 || kmeans_count(255) != 1 ||
	    kmeans_count(256) != 2 || kmeans_count(1000000) != 1024)
		failed |= fail("number of cells");
	failed |= check_groups();
	return failed | run_cases(argc, argv, CASES, run_case);
}
