#include "linalg/similarity_quantiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"

void similarity_quantiles_begin(struct similarity_quantiles *pairs, size_t n,
				size_t k)
{
	size_t count = n < SIMILARITY_SAMPLE ? n : SIMILARITY_SAMPLE;

	*pairs = (struct similarity_quantiles){.n = n, .k = k, .count = count};
	pairs->rows = alloc(alloc_product(count, k), sizeof *pairs->rows);
}

/* The row of the embedding that is i-th of the sample; n is below 2^48. */
static size_t wanted(const struct similarity_quantiles *pairs, size_t i)
{
	return i * pairs->n / pairs->count;
}

void similarity_quantiles_add(struct similarity_quantiles *pairs, size_t first,
			      size_t count, const float *rows)
{
	for (; pairs->taken < pairs->count; pairs->taken++) {
		size_t row = wanted(pairs, pairs->taken);
		if (row >= first + count)
			return;
		memcpy(pairs->rows + pairs->taken * pairs->k,
		       rows + (row - first) * pairs->k,
		       pairs->k * sizeof *rows);
	}
}

/* Scale to length 1; drop rows of zeros. */
static void normalize(struct similarity_quantiles *pairs)
{
	size_t kept = 0, k = pairs->k;

	for (size_t i = 0; i < pairs->count; i++) {
		const float *from = pairs->rows + i * k;
		float *to = pairs->rows + kept * k;
		double square = 0;
		for (size_t j = 0; j < k; j++)
			square += (double)from[j] * (double)from[j];
		if (square == 0)
			continue;
		for (size_t j = 0; j < k; j++)
			to[j] = (float)((double)from[j] / sqrt(square));
		kept++;
	}
	pairs->count = kept;
}

/* Cosines counted in steps of 2^-16 over [-1, 1]. */
enum { STEPS = 1 << 17 };

struct census {
	const struct similarity_quantiles *pairs;
	float *columns; /* k x count: the rows' transpose */
	size_t *counts; /* for each thread STEPS + 1 */
	float *scores;  /* for each thread, count */
};

/* Row i with all rows after it. */
static void count_row(void *shared, size_t i, unsigned thread)
{
	struct census *census = shared;
	size_t count = census->pairs->count, k = census->pairs->k;
	size_t *counts = census->counts + thread * (size_t)(STEPS + 1);
	float *restrict scores = census->scores + thread * count;

	memset(scores, 0, count * sizeof *scores);
	for (size_t d = 0; d < k; d++) {
		float x = census->pairs->rows[i * k + d];
		const float *column = census->columns + d * count;
		for (size_t j = i + 1; j < count; j++)
			scores[j] += x * column[j];
	}
	for (size_t j = i + 1; j < count; j++) {
		float score = fminf(fmaxf(scores[j], -1), 1);
		counts[lrintf((score + 1) * (STEPS / 2))]++;
	}
}

/* The value below which that share of the pairs lies. */
static double quantile(const size_t *counts, size_t total, double share)
{
	double place = share * (double)(total - 1);
	size_t seen = 0, step = 0;

	while (step < STEPS && (double)(seen + counts[step]) <= place)
		seen += counts[step++];
	return (double)step / (STEPS / 2) - 1;
}

/* Count the cosines of all pairs; free() the counts. */
static size_t *count_pairs(const struct similarity_quantiles *pairs,
			   unsigned threads)
{
	struct census census = {.pairs = pairs};
	size_t count = pairs->count, k = pairs->k;

	census.columns = alloc(count * k, sizeof *census.columns);
	census.counts =
		alloc(threads * (size_t)(STEPS + 1), sizeof *census.counts);
	census.scores = alloc(threads * count, sizeof *census.scores);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < k; j++)
			census.columns[j * count + i] = pairs->rows[i * k + j];
	thread_pool_run(threads, count - 1, count_row, &census);
	for (unsigned t = 1; t < threads; t++)
		for (size_t i = 0; i <= STEPS; i++)
			census.counts[i] += census.counts[t * (STEPS + 1) + i];
	free(census.columns);
	free(census.scores);
	return census.counts;
}

void similarity_quantiles_end(struct similarity_quantiles *pairs,
			      unsigned threads, const double *shares,
			      size_t count, double *values)
{
	normalize(pairs);
	memset(values, 0, count * sizeof *values);
	if (pairs->count >= 2) {
		size_t total = pairs->count * (pairs->count - 1) / 2;
		size_t *counts = count_pairs(pairs, threads);

		for (size_t i = 0; i < count; i++)
			values[i] = quantile(counts, total, shares[i]);
		free(counts);
	}
	free(pairs->rows);
	*pairs = (struct similarity_quantiles){0};
}
