#include "search/kmeans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/exact_search.h"
#include "search/row_sample.h"

/* Rows assigned in one search; the smallest mean number of rows in a cell. */
enum { ASSIGN_BATCH = 1 << 16, ROWS_PER_CELL = 128 };

size_t kmeans_count(size_t n)
{
	double most = 2 * sqrt((double)n);
	size_t count = 1;

	while (count * 2 * ROWS_PER_CELL <= n && (double)count * 2 <= most)
		count *= 2;
	return count;
}

/* ------------------------------------------------------------- assignment */

/* Find the nearest centroid of count rows, and its cosine. */
static const char *assign_batch(const struct search_options *search,
				const float *rows, size_t count,
				uint32_t *cells, float *scores)
{
	struct search_query *queries = alloc(count, sizeof *queries);
	struct search_result *results = alloc(count, sizeof *results);
	struct search_batch batch = {queries, count, results, 0};

	for (size_t i = 0; i < count; i++)
		queries[i] = (struct search_query){rows + i * search->d,
						   ROW_NONE, 0};
	const char *error = exact_search_run(search, &batch);
	for (size_t i = 0; i < count && error == NULL; i++) {
		bool any = results[i].count > 0;

		cells[i] = any ? results[i].hits[0].row : KMEANS_NONE;
		if (scores != NULL)
			scores[i] = any ? results[i].hits[0].score : 2;
	}
	if (error == NULL)
		search_results_free(results, count);
	free(results);
	free(queries);
	return error;
}

static const char *assign_cells(const float *centroids, size_t count,
				const float *rows, size_t n, size_t d,
				unsigned threads, uint32_t *cells,
				float *scores)
{
	const struct search_options search = {
		.rows = centroids,
		.n = count,
		.d = d,
		.metric = METRIC_EMBEDDING,
		.limit = 1,
		.min_score = -INFINITY,
		.threads = threads,
		.quiet = scores != NULL,
	};
	const char *error = NULL;

	for (size_t row = 0; row < n && error == NULL; row += ASSIGN_BATCH)
		error = assign_batch(&search, rows + row * d,
				     n - row < ASSIGN_BATCH ? n - row
							    : ASSIGN_BATCH,
				     cells + row, scores ? scores + row : NULL);
	return error;
}

const char *kmeans_assign(const float *centroids, size_t count,
			  const float *rows, size_t n, size_t d,
			  unsigned threads, uint32_t *cells)
{
	return assign_cells(centroids, count, rows, n, d, threads, cells, NULL);
}

/* --------------------------------------------------------------- training */

/* The training sample: n x d unit vectors. */
struct sample {
	size_t n, d;
	float *rows;
	uint32_t *cells;
	float *scores;
};

/* Move each centroid to the normalized sum of its rows, and set sizes to their
 * numbers; a centroid without rows stays. */
static void move_centroids(const struct sample *sample, float *centroids,
			   size_t count, size_t *sizes)
{
	size_t d = sample->d;
	double *sums = alloc(alloc_product(count, d), sizeof *sums);

	memset(sizes, 0, count * sizeof *sizes);
	for (size_t i = 0; i < sample->n; i++) {
		uint32_t cell = sample->cells[i];

		if (cell == KMEANS_NONE)
			continue;
		sizes[cell]++;
		for (size_t j = 0; j < d; j++)
			sums[cell * d + j] += (double)sample->rows[i * d + j];
	}
	for (size_t cell = 0; cell < count; cell++) {
		double square = 0;

		for (size_t j = 0; j < d; j++)
			square += sums[cell * d + j] * sums[cell * d + j];
		for (size_t j = 0; j < d && square > 0; j++)
			centroids[cell * d + j] =
				(float)(sums[cell * d + j] / sqrt(square));
	}
	free(sums);
}

/* A row of the sample and its cosine with its centroid. */
struct far {
	float score;
	uint32_t place;
};

static int compare_far(const void *a, const void *b)
{
	const struct far *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

/* Centroids without rows move to the rows that are farthest from theirs. */
static void fill_empty(const struct sample *sample, float *centroids,
		       size_t count, const size_t *sizes)
{
	size_t d = sample->d, next = 0, empty = 0;
	struct far *list;

	for (size_t cell = 0; cell < count; cell++)
		empty += sizes[cell] == 0;
	if (empty == 0)
		return;
	list = alloc(sample->n, sizeof *list);
	for (size_t i = 0; i < sample->n; i++)
		list[i] = (struct far){sample->scores[i], (uint32_t)i};
	qsort(list, sample->n, sizeof *list, compare_far);
	for (size_t cell = 0; cell < count && next < sample->n; cell++)
		if (sizes[cell] == 0)
			memcpy(centroids + cell * d,
			       sample->rows + list[next++].place * d,
			       d * sizeof *centroids);
	free(list);
}

static const char *lloyd_step(struct sample *sample, float *centroids,
			      size_t count, unsigned threads, size_t *sizes)
{
	const char *error =
		assign_cells(centroids, count, sample->rows, sample->n,
			     sample->d, threads, sample->cells, sample->scores);

	if (error == NULL) {
		move_centroids(sample, centroids, count, sizes);
		fill_empty(sample, centroids, count, sizes);
	}
	return error;
}

const char *kmeans_train(const float *rows, size_t n, size_t d, uint64_t seed,
			 unsigned threads, float *centroids, size_t count)
{
	struct row_sample drawn;
	size_t *sizes = alloc(count, sizeof *sizes);
	const char *error = NULL;

	row_sample_draw(&drawn, rows, n, d, alloc_product(count, KMEANS_SAMPLE),
			seed);
	struct sample sample = {.n = drawn.n, .d = d, .rows = drawn.rows};
	sample.cells = alloc(sample.n, sizeof *sample.cells);
	sample.scores = alloc(sample.n, sizeof *sample.scores);
	memset(centroids, 0, count * d * sizeof *centroids);
	for (size_t cell = 0; cell < count && sample.n > 0; cell++)
		memcpy(centroids + cell * d,
		       sample.rows + cell * sample.n / count * d,
		       d * sizeof *centroids);
	for (int i = 0; i < KMEANS_STEPS && sample.n > 0 && error == NULL; i++)
		error = lloyd_step(&sample, centroids, count, threads, sizes);
	row_sample_free(&drawn);
	free(sample.cells);
	free(sample.scores);
	free(sizes);
	return error;
}
