/* contributions against the formula written out densely: parts, their sum,
 * which is the similarity, and the order of the largest. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "explain/contributions.h"

enum { N = 12, M = 17, K = 5 };

static uint64_t counter;
static bool failed;

/* A model whose embedding is V D of its rows by definition; V need not be
 * orthogonal for the parts to add up. */
struct sample {
	int64_t indptr[N + 1];
	int32_t indices[N * M];
	float values[N * M];
	double components[M * K], sigma[K], mean[M];
	double dense[N * M]; /* centred */
	float embedding[N * K];
	struct model model;
};

static void fail(const char *what, const struct model *model,
		 enum metric metric, double found, double expected)
{
	printf("scale %s, centring %s, metric %d: %s %.12g, expected %.12g\n",
	       scale_words[model->scale], center_words[model->center], metric,
	       what, found, expected);
	failed = true;
}

static double spread(const struct sample *s, size_t j)
{
	return s->model.scale == SCALE_US  ? 1
	       : s->model.scale == SCALE_U ? 1 / s->sigma[j]
					   : 1 / sqrt(s->sigma[j]);
}

static void fill_rows(struct sample *s)
{
	size_t at = 0;

	for (size_t i = 0; i < N; i++) {
		s->indptr[i] = (int64_t)at;
		for (size_t t = 0; t < M; t++) {
			if (random_uniform(7, counter++) > 0.4)
				continue;
			s->indices[at] = (int32_t)t;
			s->values[at] = (float)random_normal(7, counter++);
			s->dense[i * M + t] = (double)s->values[at++];
		}
	}
	s->indptr[N] = (int64_t)at;
}

static void center(struct sample *s)
{
	double rows[N] = {0};

	memset(s->mean, 0, sizeof s->mean);
	for (size_t i = 0; i < N; i++)
		for (size_t t = 0; t < M; t++) {
			rows[i] += s->dense[i * M + t] / M;
			s->mean[t] += s->dense[i * M + t] / N;
		}
	for (size_t i = 0; i < N; i++)
		for (size_t t = 0; t < M; t++)
			s->dense[i * M + t] -=
				s->model.center == CENTER_ROW      ? rows[i]
				: s->model.center == CENTER_COLUMN ? s->mean[t]
								   : 0;
}

static void embed(struct sample *s)
{
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < K; j++) {
			double sum = 0;

			for (size_t t = 0; t < M; t++)
				sum += s->dense[i * M + t] *
				       s->components[t * K + j];
			s->embedding[i * K + j] = (float)(sum * spread(s, j));
		}
}

static void make_sample(struct sample *s, enum scale scale, enum center how)
{
	memset(s, 0, sizeof *s);
	s->model.scale = scale;
	s->model.center = how;
	fill_rows(s);
	center(s);
	for (size_t i = 0; i < M * K; i++)
		s->components[i] = random_normal(7, counter++);
	for (size_t j = 0; j < K; j++)
		s->sigma[j] = 9.0 - (double)j;
	embed(s);
	s->model.k = K;
	s->model.shift = 1;
	s->model.embedding = s->embedding;
	s->model.components = s->components;
	s->model.sigma = s->sigma;
	s->model.mean = how == CENTER_COLUMN ? s->mean : NULL;
	s->model.matrix.n = N;
	s->model.matrix.m = M;
	s->model.matrix.nnz = (size_t)s->indptr[N];
	s->model.matrix.indptr = s->indptr;
	s->model.matrix.indices = s->indices;
	s->model.matrix.values = s->values;
	s->model.matrix.raw = s->values;
}

/* a V_t D.e of the formula, a as given. */
static double half_of(const struct sample *s, double a, size_t tag,
		      size_t other)
{
	double sum = 0;

	for (size_t j = 0; j < K; j++)
		sum += s->components[tag * K + j] * spread(s, j) *
		       (double)s->embedding[other * K + j];
	return a * sum;
}

static double length_of(const struct sample *s, size_t row, enum metric metric)
{
	double sum = 0;

	for (size_t j = 0; j < K; j++)
		sum += (double)s->embedding[row * K + j] *
		       (double)s->embedding[row * K + j];
	return metric == METRIC_DOT ? 1 : sqrt(sum);
}

static double raw_of(const struct sample *s, size_t row, size_t tag)
{
	for (int64_t i = s->indptr[row]; i < s->indptr[row + 1]; i++)
		if (s->indices[i] == (int32_t)tag)
			return (double)s->values[i];
	return 0;
}

/* Each part by itself: of a tag what its entry gives, of the centring all
 * that the centred matrix has beyond the entries. */
static void check_parts(const struct sample *s, enum metric metric, size_t q,
			size_t x, const struct contribution *parts,
			size_t count)
{
	double lengths = length_of(s, q, metric) * length_of(s, x, metric);
	double shifts = 0, product = 0, sum = 0;

	for (size_t t = 0; t < M; t++) {
		double a = raw_of(s, q, t), b = raw_of(s, x, t);

		shifts += half_of(s, s->dense[q * M + t] - a, t, x) +
			  half_of(s, s->dense[x * M + t] - b, t, q);
	}
	for (size_t i = 0; i < count; i++) {
		size_t t = parts[i].tag;
		double expected =
			t == CONTRIBUTIONS_CENTER
				? shifts
				: half_of(s, raw_of(s, q, t), t, x) +
					  half_of(s, raw_of(s, x, t), t, q);

		sum += parts[i].amount;
		expected /= 2 * lengths;
		if (fabs(parts[i].amount - expected) > 1e-9)
			fail("a part is", &s->model, metric, parts[i].amount,
			     expected);
	}
	for (size_t j = 0; j < K; j++)
		product += (double)s->embedding[q * K + j] *
			   (double)s->embedding[x * K + j];
	if (fabs(sum - product / lengths) >
	    1e-5 * (metric == METRIC_DOT ? fabs(product) + 1 : 1))
		fail("the parts' sum is", &s->model, metric, sum,
		     product / lengths);
}

static void check_pairs(const struct sample *s, enum metric metric)
{
	struct contributions context;
	struct contribution_side query, other;
	struct contribution parts[2 * M + 1];
	size_t count;

	contributions_begin(&context, &s->model, metric, 0.6);
	contribution_side_begin(&query, &context);
	contribution_side_begin(&other, &context);
	for (size_t q = 0; q < N; q++)
		for (size_t x = 0; x < N; x++) {
			if (length_of(s, q, METRIC_EMBEDDING) == 0 ||
			    length_of(s, x, METRIC_EMBEDDING) == 0)
				continue;
			if (contribution_side_set(&query, &context, &s->model,
						  q) != NULL)
				fail("refused query", &s->model, metric,
				     (double)q, (double)x);
			if ((q + x) % 2 == 0)
				contribution_side_prepare(&query, &context);
			if (contribution_side_set(&other, &context, &s->model,
						  x) != NULL ||
			    contributions_compute(&context, &query, &other,
						  parts, &count) != NULL)
				fail("refused row", &s->model, metric,
				     (double)q, (double)x);
			else
				check_parts(s, metric, q, x, parts, count);
		}
	contribution_side_end(&query);
	contribution_side_end(&other);
	contributions_end(&context);
}

static void check_largest(void)
{
	struct contribution parts[] = {{CONTRIBUTIONS_CENTER, -0.5},
				       {0, 0.1},
				       {1, 0.5},
				       {2, -0.75},
				       {3, -0.5},
				       {4, 0.2}};
	static const size_t expected[] = {2, CONTRIBUTIONS_CENTER, 1, 3};
	size_t count = contributions_largest(parts, 6, 4);

	for (size_t i = 0; i < 4; i++)
		if (count != 4 || parts[i].tag != expected[i]) {
			printf("largest %zu: tag %zu, expected %zu\n", i,
			       parts[i].tag, expected[i]);
			failed = true;
		}
	if (contributions_largest(parts, 2, 3) != 2)
		failed = true;
}

int main(void)
{
	static struct sample sample;

	for (int scale = SCALE_US; scale <= SCALE_U; scale++)
		for (int how = CENTER_NONE; how <= CENTER_COLUMN; how++) {
			make_sample(&sample, (enum scale)scale,
				    (enum center)how);
			check_pairs(&sample, METRIC_EMBEDDING);
			check_pairs(&sample, METRIC_DOT);
		}
	check_largest();
	return failed;
}
