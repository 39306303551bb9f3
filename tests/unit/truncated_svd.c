/* truncated_svd and projection against LAPACK's dense singular value
 * decomposition, over random shapes, ranks, centrings, tolerances, kernels and
 * numbers of threads. */
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/dense.h"
#include "base/alloc.h"
#include "linalg/projection.h"
#include "linalg/truncated_svd.h"
#include "linalg/gram_operator.h"
#include "cases.h"

enum { CASES = 24 };

/* What is asked of one case. */
struct asked {
	size_t n, m, per_row, kinds;
	enum center center;
	struct svd_options options;
};

/* ----------------------------------------------------------------- matrix */

/* A row of about per_row entries; row i of kinds is drawn again for all rows
 * that are i modulo kinds, times a number: the rank is at most kinds. */
static size_t add_row(const struct asked *asked, size_t row, int32_t *indices,
		      float *values)
{
	size_t kind = row % asked->kinds, count = 0;
	float times = (float)(1 + row / asked->kinds % 3);
	double share = (double)asked->per_row / (double)asked->m;

	for (size_t tag = 0; tag < asked->m; tag++) {
		uint64_t at = (kind * asked->m + tag) * 2;
		if (kind % 11 == 3 || tag % 17 == 5 ||
		    random_uniform(seed, at) >= share)
			continue;
		indices[count] = (int32_t)tag;
		values[count++] =
			times * (float)(random_uniform(seed, at + 1) - 0.2);
	}
	return count;
}

static struct csr_matrix make_matrix(const struct asked *asked)
{
	size_t room = asked->n * asked->m;
	int64_t *indptr = alloc(asked->n + 1, sizeof *indptr);
	int32_t *indices = alloc(room, sizeof *indices);
	float *values = alloc(room, sizeof *values);

	for (size_t i = 0; i < asked->n; i++) {
		size_t at = (size_t)indptr[i];
		indptr[i + 1] =
			indptr[i] +
			(int64_t)add_row(asked, i, indices + at, values + at);
	}
	return (struct csr_matrix){.n = asked->n,
				   .m = asked->m,
				   .nnz = (size_t)indptr[asked->n],
				   .indptr = indptr,
				   .indices = indices,
				   .values = values,
				   .raw = values};
}

static void free_matrix(struct csr_matrix *matrix)
{
	free((void *)(uintptr_t)matrix->indptr);
	free((void *)(uintptr_t)matrix->indices);
	free((void *)(uintptr_t)matrix->values);
}

/* ----------------------------------------------------------------- oracle */

/* B, n x m by rows, centred as asked. */
static double *make_dense(const struct csr_matrix *a, enum center center)
{
	double *b = alloc(a->n * a->m, sizeof *b);
	size_t lines = center == CENTER_ROW ? a->n : a->m;
	size_t length = center == CENTER_ROW ? a->m : a->n;
	size_t step = center == CENTER_ROW ? 1 : a->m;
	size_t next = center == CENTER_ROW ? a->m : 1;

	for (size_t i = 0; i < a->n; i++)
		for (int64_t j = a->indptr[i]; j < a->indptr[i + 1]; j++)
			b[i * a->m + (size_t)a->indices[j]] =
				(double)a->values[j];
	for (size_t i = 0; i < lines && center != CENTER_NONE; i++) {
		double sum = 0;
		for (size_t j = 0; j < length; j++)
			sum += b[i * next + j * step];
		for (size_t j = 0; j < length; j++)
			b[i * next + j * step] -= sum / (double)length;
	}
	return b;
}

/* All singular values, falling. */
static double *dense_sigma(const double *b, size_t n, size_t m)
{
	size_t least = n < m ? n : m;
	double *copy = alloc(n * m, sizeof *copy);
	double *sigma = alloc(least, sizeof *sigma);
	double none = 0;

	memcpy(copy, b, n * m * sizeof *copy);
	int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', (int)m, (int)n, copy,
				  (int)m, sigma, &none, 1, &none, 1);
	if (info != 0) {
		printf("dgesdd: %d\n", info);
		exit(1);
	}
	free(copy);
	return sigma;
}

/* ||B^T u - s v|| / s_1 with u = B v / s, densely. */
static double dense_residual(const double *b, size_t n,
			     const struct truncated_svd *svd, size_t m,
			     size_t j)
{
	const double *v = svd->components + j;
	double *y = alloc(m, sizeof *y), sigma = svd->sigma[j], square = 0;

	for (size_t i = 0; i < n; i++) {
		double t = 0;
		for (size_t l = 0; l < m; l++)
			t += b[i * m + l] * v[l * svd->ld];
		for (size_t l = 0; l < m; l++)
			y[l] += b[i * m + l] * t / sigma;
	}
	for (size_t l = 0; l < m; l++)
		square += pow(y[l] - sigma * v[l * svd->ld], 2);
	free(y);
	return sqrt(square) / svd->sigma[0];
}

/* ----------------------------------------------------------------- checks */

static int wrong(const struct asked *asked, const char *what, double found,
		 double expected)
{
	printf("seed %lu: %zu x %zu, %zu kinds, centre %d, k %zu, tol %g: "
	       "%s: %.17g, expected %.17g\n",
	       (unsigned long)seed, asked->n, asked->m, asked->kinds,
	       (int)asked->center, asked->options.k, asked->options.tolerance,
	       what, found, expected);
	return 1;
}

/* Singular values, as many as there are, and each as near as the residual
 * promises. */
static int check_sigma(const struct asked *asked,
		       const struct truncated_svd *svd, const double *sigma,
		       const double *residual)
{
	size_t least = asked->n < asked->m ? asked->n : asked->m, rank = 0;
	int failed = 0;

	while (rank < least && rank < asked->options.k &&
	       sigma[rank] > 1e-6 * sigma[0])
		rank++;
	if (svd->k != rank)
		return wrong(asked, "rank", (double)svd->k, (double)rank);
	for (size_t j = 0; j < rank; j++) {
		if (fabs(svd->sigma[j] - sigma[j]) >
		    (2 * residual[j] + 1e-12) * sigma[0])
			failed |=
				wrong(asked, "sigma", svd->sigma[j], sigma[j]);
		if (!(residual[j] <= asked->options.tolerance))
			failed |= wrong(asked, "residual", residual[j],
					asked->options.tolerance);
	}
	return failed;
}

static int check_vectors(const struct asked *asked,
			 const struct truncated_svd *svd)
{
	size_t m = asked->m, ld = svd->ld;
	const double *v = svd->components;
	/* They may come from single precision. */
	double most = asked->options.tolerance < 1e-5 ? 1e-12 : 1e-6;
	int failed = 0;

	for (size_t j = 0; j < svd->k; j++) {
		size_t top = 0;
		for (size_t l = 0; l <= j; l++) {
			double dot = 0;
			for (size_t i = 0; i < m; i++)
				dot += v[i * ld + j] * v[i * ld + l];
			if (fabs(dot - (j == l)) > most)
				failed |= wrong(asked, "product", dot, j == l);
		}
		for (size_t i = 0; i < m; i++)
			if (fabs(v[i * ld + j]) > fabs(v[top * ld + j]))
				top = i;
		if (svd->k > 0 && !(v[top * ld + j] > 0))
			failed |= wrong(asked, "sign", v[top * ld + j], 1);
	}
	return failed;
}

struct result {
	double *y;
	double *residual;
	float *rows;
	size_t k;
};

static void take_rows(void *context, size_t first, size_t count,
		      const float *rows)
{
	struct result *result = context;

	memcpy(result->rows + first * result->k, rows,
	       count * result->k * sizeof *rows);
}

/* The embedding, and residuals on the way. */
static struct result embed(const struct asked *asked,
			   const struct gram_operator *gram,
			   const struct truncated_svd *svd)
{
	struct result result = {.k = svd->k};
	struct projection all;

	result.rows = alloc(asked->n * svd->k + 1, sizeof *result.rows);
	result.residual = alloc(svd->k, sizeof *result.residual);
	result.y = alloc_aligned(asked->m * svd->ld, sizeof *result.y);
	projection_begin(&all, svd, asked->m, SCALE_US, asked->center,
			 gram->column_mean);
	all.set = gram->set;
	projection_embed_all(&all, gram->matrix, gram->threads, result.y,
			     take_rows, &result);
	truncated_svd_residual(svd, gram, result.y, result.residual);
	projection_end(&all);
	return result;
}

static void free_result(struct result *result)
{
	free(result->rows);
	free(result->residual);
	free(result->y);
}

/* Rows of the embedding are B V; a customer without weight has zeros. */
static int check_rows(const struct asked *asked,
		      const struct truncated_svd *svd,
		      const struct csr_matrix *a, const double *b,
		      const struct result *result)
{
	size_t m = asked->m;
	int failed = 0;

	for (size_t i = 0; i < asked->n; i += 1 + asked->n / 50)
		for (size_t j = 0; j < svd->k; j++) {
			double sum = 0;
			for (size_t l = 0; l < m; l++)
				sum += b[i * m + l] *
				       svd->components[l * svd->ld + j];
			if (a->indptr[i] == a->indptr[i + 1])
				sum = 0;
			if (fabs(sum - (double)result->rows[i * svd->k + j]) >
			    1e-6 * svd->sigma[0])
				failed |= wrong(asked, "embedding",
						(double)result->rows[i], sum);
		}
	return failed;
}

static int check(const struct asked *asked, const struct csr_matrix *a,
		 const double *b, const double *sigma,
		 const struct gram_operator *gram, struct truncated_svd *svd)
{
	const char *error = truncated_svd_find(svd, gram, &asked->options);
	int failed = 0;

	if (error != NULL) {
		printf("%s\n", error);
		return wrong(asked, "an error", 1, 0);
	}
	if (svd->k == 0)
		return sigma[0] > 1e-7 ? wrong(asked, "rank", 0, 1) : 0;
	struct result result = embed(asked, gram, svd);
	failed |= check_sigma(asked, svd, sigma, result.residual);
	failed |= check_vectors(asked, svd);
	failed |= check_rows(asked, svd, a, b, &result);
	for (size_t j = 0; j < svd->k; j += 1 + svd->k / 4) {
		double truth = dense_residual(b, asked->n, svd, asked->m, j);
		if (fabs(truth - result.residual[j]) > 1e-12)
			failed |= wrong(asked, "stated residual",
					result.residual[j], truth);
	}
	free_result(&result);
	return failed;
}

/* ------------------------------------------------------------------ cases */

/* Every kernel gives a right answer, and its bits for any threads. */
static int check_kernels(const struct asked *asked, const struct csr_matrix *a,
			 const double *b, const double *sigma)
{
	int failed = 0;

	for (unsigned set = 0; set < BLOCK_KERNEL_SETS; set++) {
		struct truncated_svd first = {0};
		if (block_kernels_get(set) == NULL)
			continue;
		for (unsigned threads = 1; threads <= 3; threads += 2) {
			struct gram_operator gram;
			struct truncated_svd svd;
			gram_operator_begin(&gram, a, asked->center, threads);
			gram.set = block_kernels_get(set);
			failed |= check(asked, a, b, sigma, &gram, &svd);
			if (threads == 1) {
				first = svd;
			} else {
				if (svd.k != first.k ||
				    memcmp(svd.components, first.components,
					   asked->m * first.ld *
						   sizeof *first.components))
					failed |= wrong(asked, "threads", 0, 1);
				truncated_svd_free(&svd);
			}
			gram_operator_end(&gram);
		}
		truncated_svd_free(&first);
	}
	return failed;
}

static struct asked draw_case(void)
{
	static const double tolerances[] = {1e-1, 1e-3, 1e-4, 1e-6, 1e-10};
	struct asked asked = {
		.options = {.seed = seed, .memory = (size_t)1 << 30}};
	size_t shape = seed % 4;

	/* Small and square-ish, few columns, many columns, a low rank. */
	asked.n = 1 + chance(shape == 1 ? 900 : 160);
	asked.m = shape == 0   ? 1 + chance(160)
		  : shape == 1 ? 1 + chance(20)
			       : 2001 + chance(120);
	asked.kinds = shape == 3 ? 1 + chance(12) : asked.n;
	asked.per_row = 1 + chance(shape < 2 ? asked.m : 60);
	asked.center = (enum center)chance(3);
	asked.options.k = 1 + chance(shape == 3 ? 40 : 24);
	asked.options.tolerance = tolerances[chance(5)];
	if (chance(4) == 0)
		asked.options.memory = asked.m * 1000;
	return asked;
}

static int run_case(void)
{
	/* Beyond the random numbers of the matrix. */
	counter = 1 << 30;
	struct asked asked = draw_case();
	struct csr_matrix a = make_matrix(&asked);
	double *b = make_dense(&a, asked.center);
	double *sigma = dense_sigma(b, asked.n, asked.m);
	int failed = a.nnz > 0 && check_kernels(&asked, &a, b, sigma);

	free(sigma);
	free(b);
	free_matrix(&a);
	return failed;
}

int main(int argc, char **argv)
{
	if (dense_use_one_thread(NULL) != NULL)
		return fail("no work area");
	return run_cases(argc, argv, CASES, run_case);
}
