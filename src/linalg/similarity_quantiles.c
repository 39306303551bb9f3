#include "linalg/similarity_quantiles.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"
#include "linalg/ranks.h"

void similarity_quantiles_begin(struct similarity_quantiles *quantiles,
				size_t n, size_t k)
{
	size_t count = n < SIMILARITY_SAMPLE ? n : SIMILARITY_SAMPLE;

	*quantiles =
		(struct similarity_quantiles){.n = n, .k = k, .count = count};
	quantiles->rows =
		alloc(alloc_product(count, k), sizeof *quantiles->rows);
}

/* The row of the embedding that is row i of the sample; no overflow, as n is
 * below 2^48. */
static size_t sample_row(const struct similarity_quantiles *quantiles, size_t i)
{
	return i * quantiles->n / quantiles->count;
}

void similarity_quantiles_add(struct similarity_quantiles *quantiles,
			      size_t first, size_t count, const float *rows)
{
	for (; quantiles->copied < quantiles->count; quantiles->copied++) {
		size_t row = sample_row(quantiles, quantiles->copied);
		if (row >= first + count)
			return;
		memcpy(quantiles->rows + quantiles->copied * quantiles->k,
		       rows + (row - first) * quantiles->k,
		       quantiles->k * sizeof *rows);
	}
}

void similarity_quantiles_skip(struct similarity_quantiles *quantiles,
			       size_t first)
{
	while (quantiles->copied < quantiles->count &&
	       sample_row(quantiles, quantiles->copied) < first)
		quantiles->copied++;
}

void similarity_quantiles_join(struct similarity_quantiles *quantiles)
{
	size_t items = quantiles->count * quantiles->k;
	int64_t *bits = alloc(items, sizeof *bits);

	/* A sum of one item and zeros has the item's bits. */
	for (size_t i = 0; i < items; i++)
		memcpy(&bits[i], &quantiles->rows[i], sizeof(float));
	ranks_sum(bits, items);
	for (size_t i = 0; i < items; i++)
		memcpy(&quantiles->rows[i], &bits[i], sizeof(float));
	free(bits);
}

/* Scale the rows of the sample to length 1; remove zero vectors. */
static void normalize(struct similarity_quantiles *quantiles)
{
	size_t kept = 0, k = quantiles->k;

	for (size_t i = 0; i < quantiles->count; i++) {
		const float *from = quantiles->rows + i * k;
		float *to = quantiles->rows + kept * k;
		double square = 0;
		for (size_t j = 0; j < k; j++)
			square += (double)from[j] * (double)from[j];
		if (square == 0)
			continue;
		for (size_t j = 0; j < k; j++)
			to[j] = (float)((double)from[j] / sqrt(square));
		kept++;
	}
	quantiles->count = kept;
}

/* Cosines are counted in steps of 2^-16 over [-1, 1]; those of one row with
 * TILE others are found together. */
enum { STEPS = 1 << 17, TILE = 32 };

/* Four cosines: without vectors of its own the compiler takes a sum over d for
 * what it should do at once. */
typedef float four __attribute__((vector_size(4 * sizeof(float)), may_alias));

struct histogram {
	const struct similarity_quantiles *quantiles;
	float *tiles;   /* the rows' transposes, k x TILE for each TILE rows */
	size_t *counts; /* for each thread STEPS + 1 */
};

/* The cosines of a row with those of a tile: sums in ascending order. */
static void multiply_tile(const float *row, const float *tile, size_t k,
			  float *scores)
{
	const four *rows = (const four *)(const void *)tile;
	four sums[TILE / 4] = {{0}};

	for (size_t d = 0; d < k; d++) {
		four x = {row[d], row[d], row[d], row[d]};
		for (size_t j = 0; j < TILE / 4; j++)
			sums[j] += x * rows[d * (TILE / 4) + j];
	}
	memcpy(scores, sums, sizeof sums);
}

/* Count the cosines of row i with all later rows. */
static void count_row(void *shared, size_t i, unsigned thread)
{
	struct histogram *histogram = shared;
	size_t count = histogram->quantiles->count, k = histogram->quantiles->k;
	size_t *counts = histogram->counts + thread * (size_t)(STEPS + 1);
	const float *row = histogram->quantiles->rows + i * k;
	float scores[TILE];

	for (size_t j = i + 1, end; j < count; j = end) {
		size_t tile = j / TILE;

		multiply_tile(row, histogram->tiles + tile * k * TILE, k,
			      scores);
		end = (tile + 1) * TILE < count ? (tile + 1) * TILE : count;
		for (; j < end; j++) {
			float score = scores[j % TILE];
			/* What is no number counts as -1. */
			score = score > -1 ? score : -1;
			score = score < 1 ? score : 1;
			counts[lrintf((score + 1) * (STEPS / 2))]++;
		}
	}
}

/* The cosine that the share of all counted ones lies below. */
static double quantile(const size_t *counts, size_t total, double share)
{
	double place = share * (double)(total - 1);
	size_t seen = 0, step = 0;

	while (step < STEPS && (double)(seen + counts[step]) <= place)
		seen += counts[step++];
	return (double)step / (STEPS / 2) - 1;
}

/* The histogram of the cosines of all pairs; free() it. */
static size_t *count_pairs(const struct similarity_quantiles *quantiles,
			   unsigned threads)
{
	struct histogram histogram = {.quantiles = quantiles};
	size_t count = quantiles->count, k = quantiles->k;

	histogram.tiles =
		alloc((count / TILE + 1) * TILE * k, sizeof *histogram.tiles);
	histogram.counts =
		alloc(threads * (size_t)(STEPS + 1), sizeof *histogram.counts);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < k; j++)
			histogram.tiles[(i / TILE * k + j) * TILE + i % TILE] =
				quantiles->rows[i * k + j];
	thread_pool_run(threads, count - 1, count_row, &histogram);
	for (unsigned t = 1; t < threads; t++)
		for (size_t i = 0; i <= STEPS; i++)
			histogram.counts[i] +=
				histogram.counts[t * (STEPS + 1) + i];
	free(histogram.tiles);
	return histogram.counts;
}

void similarity_quantiles_end(struct similarity_quantiles *quantiles,
			      unsigned threads, const double *shares,
			      size_t count, double *values)
{
	normalize(quantiles);
	memset(values, 0, count * sizeof *values);
	if (quantiles->count >= 2) {
		size_t total = quantiles->count * (quantiles->count - 1) / 2;
		size_t *counts = count_pairs(quantiles, threads);

		for (size_t i = 0; i < count; i++)
			values[i] = quantile(counts, total, shares[i]);
		free(counts);
	}
	free(quantiles->rows);
	*quantiles = (struct similarity_quantiles){0};
}
