#include "evaluate/agreement.h"

#include <stdlib.h>

#include "base/alloc.h"

/* to += the row of half B of customer i, of length 1 */
static void add_row(const struct half_pair *pair, size_t i, double *to)
{
	const struct csr_matrix *b = &pair->held.matrix;
	size_t row = pair->row_b[i];

	for (int64_t j = b->indptr[row]; j < b->indptr[row + 1]; j++)
		to[b->indices[j]] += (double)b->values[j] * pair->inverse_b[i];
}

static double dot_row(const struct half_pair *pair, size_t i,
		      const double *with)
{
	const struct csr_matrix *b = &pair->held.matrix;
	size_t row = pair->row_b[i];
	double sum = 0;

	for (int64_t j = b->indptr[row]; j < b->indptr[row + 1]; j++)
		sum += (double)b->values[j] * with[b->indices[j]];
	return sum * pair->inverse_b[i];
}

static double closeness(const struct half_pair *pair, size_t u, size_t v)
{
	const struct csr_matrix *b = &pair->held.matrix;
	size_t row_u = pair->row_b[u], row_v = pair->row_b[v];
	int64_t i = b->indptr[row_u], j = b->indptr[row_v];
	double sum = 0;

	while (i < b->indptr[row_u + 1] && j < b->indptr[row_v + 1]) {
		int32_t x = b->indices[i], y = b->indices[j];
		if (x == y)
			sum += (double)b->values[i] * (double)b->values[j];
		i += x <= y;
		j += y <= x;
	}
	return sum * pair->inverse_b[u] * pair->inverse_b[v];
}

/* The mean closeness of the query to each tenth, itself left out; 0 for a tenth
 * that has no one else. */
static void find_tenths(struct agreement *agreement, size_t query,
			const double *sums)
{
	const struct population *population = agreement->population;
	size_t u = population->queries[query];
	size_t m = agreement->pair->held.matrix.m;

	for (size_t t = 0; t < 10; t++) {
		bool own = population->tenth[u] == t;
		size_t others = population->tenth_size[t] - own;
		double dot = dot_row(agreement->pair, u, sums + t * m) - own;
		agreement->by_tenth[query * 10 + t] =
			others > 0 ? dot / (double)others : 0;
	}
}

void agreement_begin(struct agreement *agreement, const struct half_pair *pair,
		     const struct population *population)
{
	size_t n = population->n, m = pair->held.matrix.m;
	double *sums = alloc(alloc_product(m, 11), sizeof *sums);
	double *all = sums + 10 * m;

	*agreement = (struct agreement){.pair = pair, .population = population};
	agreement->by_tenth = alloc(population->query_count * 10,
				    sizeof *agreement->by_tenth);
	agreement->mean = alloc(n, sizeof *agreement->mean);
	for (size_t i = 0; i < n; i++) {
		add_row(pair, i, sums + population->tenth[i] * m);
		add_row(pair, i, all);
	}
	for (size_t query = 0; query < population->query_count; query++)
		find_tenths(agreement, query, sums);
	for (size_t i = 0; i < n; i++) {
		agreement->mean[i] =
			(dot_row(pair, i, all) - 1) / (double)(n - 1);
		agreement->grand += agreement->mean[i] / (double)n;
	}
	free(sums);
}

void agreement_end(struct agreement *agreement)
{
	free(agreement->by_tenth);
	free(agreement->mean);
}

struct agreement_sums agreement_of(const struct agreement *agreement,
				   size_t query, const uint32_t *neighbours,
				   size_t count)
{
	const struct population *population = agreement->population;
	const double *mean = agreement->mean;
	struct agreement_sums sums = {0};
	size_t u = population->queries[query];

	for (size_t i = 0; i < count && neighbours[i] != UINT32_MAX; i++) {
		size_t v = neighbours[i];
		sums.found += closeness(agreement->pair, u, v);
		sums.by_tenth +=
			agreement->by_tenth[query * 10 + population->tenth[v]];
		if (agreement->grand > 0)
			sums.by_both += mean[u] * mean[v] / agreement->grand;
	}
	return sums;
}
