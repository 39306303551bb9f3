/* combined_case: a random case of searches by combined scores: rows and
 * embeddings, the search and its queries, and what it found. */
#ifndef UNIT_COMBINED_CASE_H
#define UNIT_COMBINED_CASE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "search/combined_search.h"
#include "cases.h"

enum { QUERIES = 5 };

static inline double uniform(void)
{
	return (double)chance(1 << 20) / (1 << 20);
}

/* Rows and embeddings of a case. */
struct data {
	struct csr_matrix matrix;
	int64_t *indptr;
	int32_t *indices;
	float *values;
	float *embedding;
	size_t d;
};

/* Row i: like another or a multiple of it, without weight, or of its own. */
static inline void make_row(struct data *data, size_t i, unsigned kind)
{
	size_t m = data->matrix.m, at = (size_t)data->indptr[i];
	size_t other = i > 0 ? chance(i) : 0;
	float sign = chance(4) ? 1 : -1;

	if (i > 0 && chance(5) == 0) {
		float factor = chance(2) ? 1 : chance(2) ? 4 : 0.375F;

		for (int64_t j = data->indptr[other];
		     j < data->indptr[other + 1]; j++) {
			data->indices[at] = data->indices[j];
			data->values[at++] = factor * data->values[j];
		}
	} else if (chance(20) != 0) {
		size_t wanted = 1 + chance(m < 12 ? m : 12);

		for (size_t tag = 0; tag < m; tag++) {
			bool head = kind % 4 == 1 && tag == m / 2;

			if (!head && chance(m) >= wanted)
				continue;
			data->indices[at] = (int32_t)tag;
			data->values[at++] =
				kind % 3 == 0
					? 1
					: (float)(0.01 + uniform()) *
						  (kind % 5 == 0 && chance(3) ==
									    0
							   ? sign
							   : 1);
		}
	}
	data->indptr[i + 1] = (int64_t)at;
}

/* x = a V for V of orthonormal columns, some tags outside of its span. */
static inline void make_embedding(struct data *data, unsigned kind)
{
	size_t m = data->matrix.m, n = data->matrix.n, d = data->d;
	double *v = alloc(m * d, sizeof *v);

	for (size_t tag = 0; tag < m; tag++)
		for (size_t j = 0; j < d; j++)
			v[tag * d + j] =
				kind % 7 == 2 ? tag == j
				: kind % 7 == 3 && tag % 3 != 0
					? 0
					: random_normal(seed, counter++);
	for (size_t j = 0; j < d; j++) {
		double square = 0;

		for (size_t i = 0; i < j; i++) {
			double dot = 0;

			for (size_t t = 0; t < m; t++)
				dot += v[t * d + i] * v[t * d + j];
			for (size_t t = 0; t < m; t++)
				v[t * d + j] -= dot * v[t * d + i];
		}
		for (size_t t = 0; t < m; t++)
			square += v[t * d + j] * v[t * d + j];
		for (size_t t = 0; t < m; t++)
			v[t * d + j] *= square > 1e-12 ? 1 / sqrt(square) : 0;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < d; j++) {
			double sum = 0;

			for (int64_t e = data->indptr[i];
			     e < data->indptr[i + 1]; e++)
				sum += (double)data->values[e] *
				       v[(size_t)data->indices[e] * d + j];
			data->embedding[i * d + j] = (float)sum;
		}
	free(v);
}

static inline void make_data(struct data *data)
{
	unsigned kind = (unsigned)chance(1000);
	size_t n = 1 + chance(chance(6) ? 250 : 3000);
	size_t m = 1 + chance(chance(2) ? 15 : 120);

	/* Now and then two blocks. */
	if (seed % 50 == 0)
		n = INDEX_BLOCK_ROWS + chance(3000);
	float *raw = alloc(n * m + 1, sizeof *raw);
	static const int64_t offsets[1] = {0};

	data->indptr = alloc(n + 1, sizeof *data->indptr);
	data->indices = alloc(n * m + 1, sizeof *data->indices);
	data->values = alloc(n * m + 1, sizeof *data->values);
	data->d = 1 + chance(m < 70 ? m : 70);
	if (n > INDEX_BLOCK_ROWS && data->d > 6)
		data->d = 6;
	data->embedding = alloc(n * data->d, sizeof *data->embedding);
	data->matrix = (struct csr_matrix){
		.n = n,
		.m = m,
		.indptr = data->indptr,
		.indices = data->indices,
		.values = data->values,
		.raw = raw,
		.users = {.offsets = offsets, .count = 0},
	};
	for (size_t i = 0; i < n; i++)
		make_row(data, i, kind);
	data->matrix.nnz = (size_t)data->indptr[n];
	make_embedding(data, kind);
}

static inline void free_data(struct data *data)
{
	free(data->indptr);
	free(data->indices);
	free(data->values);
	free(data->embedding);
	free((void *)(uintptr_t)data->matrix.raw);
}

static inline double product(const struct data *data, size_t a, size_t b)
{
	double sum = 0;

	for (int64_t i = data->indptr[a]; i < data->indptr[a + 1]; i++)
		for (int64_t j = data->indptr[b]; j < data->indptr[b + 1]; j++)
			if (data->indices[i] == data->indices[j])
				sum += (double)data->values[i] *
				       (double)data->values[j];
	return sum;
}

static inline double embedding_product(const struct data *data, size_t a,
				       size_t b)
{
	double sum = 0;

	for (size_t j = 0; j < data->d; j++)
		sum += (double)data->embedding[a * data->d + j] *
		       (double)data->embedding[b * data->d + j];
	return sum;
}

/* ---------------------------------------------------------------- searches */

struct answers {
	struct search_result *found;
	size_t zeros;
};

static inline int fail_query(const char *what, size_t query)
{
	printf("seed %llu: query %zu: %s\n", (unsigned long long)seed, query,
	       what);
	return 1;
}

static inline bool same(const struct search_result *a,
			const struct search_result *b, bool matching)
{
	return a->count == b->count && a->candidates == b->candidates &&
	       a->zero == b->zero &&
	       (!matching || a->matching == b->matching) &&
	       (a->count == 0 ||
		memcmp(a->hits, b->hits, a->count * sizeof *a->hits) == 0);
}

static inline struct answers ask(const struct combined_options *search,
				 const struct search_query *queries,
				 size_t count)
{
	struct answers answers = {
		.found = alloc(count, sizeof(struct search_result))};
	struct search_batch batch = {queries, count, answers.found, 0};
	const char *error = combined_search_run(search, &batch);

	answers.zeros = batch.zeros;
	if (error != NULL) {
		printf("seed %llu: %s\n", (unsigned long long)seed, error);
		exit(1);
	}
	return answers;
}

static inline void free_answers(struct answers *answers, size_t count)
{
	search_results_free(answers->found, count);
	free(answers->found);
}

/* A search for some rows of the data, with an index of them. */
struct combined_case {
	struct data data;
	struct inverted_index index;
	struct combined_options search; /* without the index */
	struct search_query queries[QUERIES];
	size_t count; /* of queries */
	uint64_t *allowed;
};

/* Ends the process where there is no index. */
static inline void make_case(struct combined_case *made)
{
	static const double alphas[] = {1, 1, 0.75, 0.33, 0.5, 0.02, 0};
	struct data *data = &made->data;

	made->count = 1 + chance(QUERIES);
	make_data(data);
	size_t n = data->matrix.n;
	made->search = (struct combined_options){
		.matrix = &data->matrix,
		.embedding = data->embedding,
		.d = data->d,
		.similarity = {.profile = chance(4) == 0,
			       .alpha = alphas[chance(7)]},
		.limit = 1 + chance(chance(3) ? 12 : n + 5),
		.min_score = chance(3) ? -INFINITY : uniform() * 1.2 - 0.2,
		.with_self = chance(2),
		.count_matching = chance(2),
		.quiet = true,
	};
	made->allowed = bitset_new(n);
	for (size_t i = 0; i < n; i++)
		if (chance(3))
			bitset_set(made->allowed, i);
	if (chance(3) == 0)
		made->search.allowed = made->allowed;
	const char *error = inverted_index_build(&made->index, &data->matrix,
						 data->embedding, data->d, 2);
	if (error != NULL)
		exit(fail(error));
	for (size_t q = 0; q < made->count; q++) {
		size_t row = chance(n);

		made->queries[q] = search_query_row(
			&data->matrix, data->embedding, data->d, row, row);
	}
}

static inline void free_case(struct combined_case *made)
{
	inverted_index_free(&made->index);
	free(made->allowed);
	free_data(&made->data);
}

#endif
