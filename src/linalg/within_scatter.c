#include "linalg/within_scatter.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "linalg/dense.h"
#include "linalg/projection.h"

/* The share of tr(S) / k I in W: by evaluation, see cs-design(7). */
static const double shrinkage = 0.1;

/* t = the embedding of the row scaled to length 1; false for a zero row. */
static bool embed_unit(const struct projection *projection,
		       const struct csr_matrix *matrix, size_t row, double *t)
{
	double square = 0;

	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		square += (double)matrix->values[i] * (double)matrix->values[i];
	if (!(square > 0))
		return false;
	projection_row(projection, matrix, row, t);
	for (size_t i = 0; i < projection->k; i++)
		t[i] /= sqrt(square);
	return true;
}

/* scatter (k x k) += the sum of (y1 - y2)^T (y1 - y2) / 2; returns of how many
 * customers. */
static size_t add_customers(double *scatter, const struct truncated_svd *svd,
			    const struct csr_matrix *first,
			    const struct csr_matrix *second)
{
	struct projection projection;
	size_t common = 0, length, k = svd->k;
	double *t = alloc_aligned(alloc_product(2, svd->ld), sizeof *t);
	double *u = t + svd->ld;

	projection_begin(&projection, svd, first->m, SCALE_US, CENTER_NONE,
			 NULL);
	for (size_t row = 0; row < first->n; row++) {
		const char *name = text_array_at(&first->users, row, &length);
		size_t other = text_array_find(&second->users, name, length);

		if (other == SIZE_MAX ||
		    !embed_unit(&projection, first, row, t) ||
		    !embed_unit(&projection, second, other, u))
			continue;
		common++;
		for (size_t i = 0; i < k; i++)
			for (size_t j = 0; j < k; j++)
				scatter[i * k + j] +=
					(t[i] - u[i]) * (t[j] - u[j]) / 2;
	}
	projection_end(&projection);
	free(t);
	return common;
}

/* W from the sum over count customers; false where it is zero. */
static bool shrink(size_t k, size_t count, double *scatter)
{
	double trace = 0;

	for (size_t i = 0; i < k; i++)
		trace += scatter[i * k + i] / (double)count;
	for (size_t i = 0; i < k * k; i++)
		scatter[i] *= (1 - shrinkage) / (double)count;
	for (size_t i = 0; i < k; i++)
		scatter[i * k + i] += shrinkage * trace / (double)k;
	return trace > 0;
}

/* W becomes T. */
static const char *invert_root(size_t k, double *w)
{
	double *values = alloc(k, sizeof *values);
	double *vectors = alloc(alloc_product(k, k), sizeof *vectors);
	const char *error = dense_eigen(k, w, k, values, vectors);

	for (size_t i = 0; error == NULL && i < k * k; i++)
		w[i] = 0;
	for (size_t e = 0; error == NULL && e < k; e++) {
		const double *vector = vectors + e * k;
		double root = sqrt(values[k - 1] / values[e]);

		for (size_t i = 0; i < k; i++)
			for (size_t j = 0; j < k; j++)
				w[i * k + j] += root * vector[i] * vector[j];
	}
	free(values);
	free(vectors);
	return error;
}

const char *within_scatter_weigh(struct truncated_svd *svd,
				 const struct csr_matrix *first,
				 const struct csr_matrix *second)
{
	size_t k = svd->k;
	double *w = alloc(alloc_product(k, k), sizeof *w);
	size_t common = add_customers(w, svd, first, second);
	const char *error = NULL;

	if (common < 2)
		error = error_text("%zu customers have tags with weight in "
				   "both halves: at least 2 are needed",
				   common);
	else if (!shrink(k, common, w))
		error = "the halves of each customer are alike: there is "
			"nothing to learn";
	if (error == NULL)
		error = invert_root(k, w);
	if (error == NULL)
		dense_multiply_right(first->m, k, svd->ld, svd->components, w);
	free(w);
	return error;
}
