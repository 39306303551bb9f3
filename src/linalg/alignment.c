#include "linalg/alignment.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "linalg/dense.h"
#include "linalg/projection.h"

/* The squared length of a row. */
static double row_square(const struct csr_matrix *matrix, size_t row)
{
	double square = 0;

	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		square += (double)matrix->values[i] * (double)matrix->values[i];
	return square;
}

/* cross (k x k) += w x^T y of a customer, x new (t) and y old. */
static void add_customer(double *cross, size_t k, const double *t,
			 double new_square, const float *y, double old_square)
{
	double x_square = 0, y_square = 0;

	for (size_t i = 0; i < k; i++) {
		x_square += t[i] * t[i];
		y_square += (double)y[i] * (double)y[i];
	}
	double weight = x_square / new_square * (y_square / old_square);
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < k; j++)
			cross[i * k + j] += weight * t[i] * (double)y[j];
}

/* Add all customers of both; returns how many. */
static size_t add_customers(double *cross, const struct truncated_svd *svd,
			    const struct csr_matrix *matrix,
			    const struct model *old)
{
	struct projection projection;
	double *t = alloc_aligned(svd->ld, sizeof *t);
	size_t common = 0, length, k = svd->k;

	projection_begin(&projection, svd, matrix->m, SCALE_US, CENTER_NONE,
			 NULL);
	for (size_t row = 0; row < matrix->n; row++) {
		const char *name = text_array_at(&matrix->users, row, &length);
		size_t other =
			text_array_find(&old->matrix.users, name, length);
		if (other == SIZE_MAX)
			continue;
		double square = row_square(matrix, row);
		double old_square = row_square(&old->matrix, other);
		if (!(square > 0) || !(old_square > 0))
			continue;
		projection_row(&projection, matrix, row, t);
		add_customer(cross, k, t, square, old->embedding + other * k,
			     old_square);
		common++;
	}
	projection_end(&projection);
	free(t);
	return common;
}

const char *alignment_rotate(struct truncated_svd *svd,
			     const struct csr_matrix *matrix,
			     const struct model *old)
{
	size_t k = svd->k;
	const char *error = NULL;

	if (old->k != k)
		return error_text("it has %zu dimensions, and the new model "
				  "%zu: -k %zu",
				  old->k, k, old->k);
	double *cross = alloc(alloc_product(k, k), sizeof *cross);
	if (add_customers(cross, svd, matrix, old) == 0)
		error = "it has no customer with weight in common with the new "
			"matrix";
	if (error == NULL)
		error = dense_polar(k, cross);
	if (error == NULL)
		dense_multiply_right(matrix->m, k, svd->ld, svd->components,
				     cross);
	free(cross);
	return error;
}
