/* recall: the share of the ten nearest rows in the nearest p cells, against a
 * plain count in double over all rows (all are in the sample), for data
 * without ties. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/dot_vectors.h"
#include "search/kmeans.h"
#include "search/recall.h"
#include "cases.h"

enum { CASES = 12, MAX_ROWS = 60, DIMENSIONS = 6, MAX_CELLS = 8 };

static double cosine(const float *a, const float *b)
{
	double sum = 0;

	for (size_t j = 0; j < DIMENSIONS; j++)
		sum += (double)a[j] * (double)b[j];
	return sum / sqrt(dot_square_norm(a, DIMENSIONS) *
			  dot_square_norm(b, DIMENSIONS));
}

/* How many of the other rows are more similar to row than other is. */
static size_t rank_of(const float *rows, size_t n, size_t row, size_t other)
{
	double own = cosine(rows + row * DIMENSIONS, rows + other * DIMENSIONS);
	size_t rank = 0;

	for (size_t i = 0; i < n; i++)
		rank += i != row && i != other &&
			cosine(rows + row * DIMENSIONS, rows + i * DIMENSIONS) >
				own;
	return rank;
}

/* How many centroids are more similar to row than centroid cell is. */
static size_t cell_rank(const struct partitioned_search *search, size_t row,
			size_t cell)
{
	const float *query = search->rows + row * DIMENSIONS;
	double own = cosine(query, search->centroids + cell * DIMENSIONS);
	size_t rank = 0;

	for (size_t c = 0; c < search->count; c++)
		rank += cosine(query, search->centroids + c * DIMENSIONS) > own;
	return rank;
}

static double expected(const struct partitioned_search *search, size_t probes)
{
	size_t n = search->n, ten = n - 1 < RECALL_AT ? n - 1 : RECALL_AT;
	double sum = 0;

	for (size_t row = 0; row < n; row++) {
		size_t found = 0;

		for (size_t i = 0; i < n; i++)
			found += i != row &&
				 rank_of(search->rows, n, row, i) < ten &&
				 cell_rank(search, row, search->cells[i]) <
					 probes;
		sum += (double)found / (double)ten;
	}
	return sum / (double)n;
}

static int run_case(void)
{
	float rows[MAX_ROWS * DIMENSIONS], centroids[MAX_CELLS * DIMENSIONS];
	double recall[2 * MAX_CELLS];
	uint32_t cells[MAX_ROWS];
	size_t n = MAX_CELLS + chance(MAX_ROWS - MAX_CELLS);
	size_t count = 1 + chance(MAX_CELLS);
	struct partitioned_search search = {rows,      n,     DIMENSIONS,
					    centroids, count, cells};

	for (size_t i = 0; i < n * DIMENSIONS; i++)
		rows[i] = (float)random_normal(seed, counter++);
	if (kmeans_train(rows, n, DIMENSIONS, seed, 1, centroids, count) ||
	    kmeans_assign(centroids, count, rows, n, DIMENSIONS, 1, cells) ||
	    recall_measure(&search, seed, 2, recall))
		return fail("refused");
	for (size_t p = 0; p < count; p++) {
		if (fabs(recall[2 * p] - expected(&search, p + 1)) > 1e-9)
			return fail("another share by row");
		/* Without ties the share by score is the same. */
		if (fabs(recall[2 * p] - recall[2 * p + 1]) > 1e-9)
			return fail("another share by score");
	}
	if (fabs(recall[2 * (count - 1)] - 1) > 1e-9)
		return fail("all cells have not all neighbours");
	rows[chance(n * DIMENSIONS)] = INFINITY;
	if (recall_measure(&search, seed, 1, recall) == NULL)
		return fail("a row that is not finite was accepted");
	return 0;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
