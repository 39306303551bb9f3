#include "linalg/truncated_svd.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/dense.h"
#include "base/alloc.h"
#include "base/errors.h"
#include "linalg/gram_matrix.h"
#include "linalg/lanczos.h"
#include "base/progress.h"

/* An eigenvalue of C below this share of the largest is rounding error. */
static const double single_floor = 1e-6, double_floor = 1e-13;

/* A residual is stated to this. */
static const double residual_error = 1e-12;

/* Single precision reaches this tolerance, and holds squares of entries of
 * this energy. */
static const double single_tolerance = 1e-5;
static const double single_least = 1e-20, single_most = 1e20;

/* So many products for C take less than a second. */
static const double few_products = 1 << 28;

void truncated_svd_free(struct truncated_svd *factor)
{
	free(factor->sigma);
	free(factor->components);
	free(factor->gram);
	*factor = (struct truncated_svd){0};
}

/* sigma from eigenvalues, cut at the rank. */
static void set_sigma(struct truncated_svd *factor, const double *values,
		      size_t count)
{
	factor->sigma = alloc(count, sizeof *factor->sigma);
	factor->k = 0;
	for (size_t i = 0; i < count; i++) {
		if (!(values[i] > 0 && values[i] > double_floor * values[0]))
			break;
		factor->sigma[factor->k++] = sqrt(values[i]);
	}
}

/* Columns from k on are zero, and the largest loading of each, the first on
 * ties, is positive. */
static void set_signs(struct truncated_svd *factor, size_t m)
{
	size_t ld = factor->ld, *top = alloc(ld, sizeof *top);
	double *v = factor->components;

	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < factor->k; j++)
			if (fabs(v[i * ld + j]) > fabs(v[top[j] * ld + j]))
				top[j] = i;
	double *sign = alloc(ld, sizeof *sign);
	for (size_t j = 0; j < factor->k; j++)
		sign[j] = v[top[j] * ld + j] < 0 ? -1 : 1;
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < ld; j++)
			v[i * ld + j] =
				sign[j] != 0 ? sign[j] * v[i * ld + j] : 0;
	free(top);
	free(sign);
}

/* Make rows of ld items rows of as many as k needs now. */
static void narrow(struct truncated_svd *factor, size_t m, size_t ld)
{
	factor->ld =
		(factor->k + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS * BLOCK_COLUMNS;
	for (size_t i = 0; i < m && factor->ld < ld; i++)
		memmove(factor->components + i * factor->ld,
			factor->components + i * ld,
			factor->ld * sizeof *factor->components);
}

/* ------------------------------------------------------------------- gram */

static const char *by_gram(struct truncated_svd *factor,
			   const struct gram_operator *op, size_t k)
{
	size_t m = op->matrix->m;
	size_t items = alloc_product(m, m);
	double *copy = alloc_resize(NULL, items, sizeof *copy);
	double *values = alloc(k, sizeof *values);
	double *vectors = alloc(alloc_product(k, m), sizeof *vectors);

	factor->gram = alloc_resize(NULL, items, sizeof *factor->gram);
	progress_begin("customers", op->matrix->n);
	gram_matrix_compute(op, factor->gram);
	progress_end();
	factor->passes = 1;
	memcpy(copy, factor->gram, items * sizeof *copy);
	const char *error = dense_eigen(m, copy, k, values, vectors);
	free(copy);
	if (error == NULL) {
		set_sigma(factor, values, k);
		narrow(factor, 0, 0);
		factor->components = alloc_aligned(alloc_product(m, factor->ld),
						   sizeof *factor->components);
		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < factor->ld; j++)
				factor->components[i * factor->ld + j] =
					j < factor->k ? vectors[j * m + i] : 0;
	}
	free(values);
	free(vectors);
	return error;
}

/* ---------------------------------------------------------------- Lanczos */

/* Whether single precision may be tried. */
static bool may_be_single(const struct gram_operator *op,
			  const struct svd_options *choices)
{
	return choices->tolerance >= single_tolerance &&
	       op->center == CENTER_NONE && op->energy >= single_least &&
	       op->energy <= single_most;
}

/* Whether what was found in single precision is known to that precision: each
 * eigenvalue is above its rounding error, and that error within tolerance. */
static bool is_certain(const struct lanczos *found, double tolerance)
{
	double last = found->values[found->k - 1], first = found->values[0];

	return found->reached && last > single_floor * first &&
	       single_floor * first <= tolerance * sqrt(last * first);
}

static const char *by_lanczos(struct truncated_svd *factor,
			      const struct gram_operator *op, size_t k,
			      const struct svd_options *choices)
{
	struct lanczos found = {0};
	/* The estimate is below the truth by rounding: aim a little lower. */
	struct lanczos_options aim = {k, 0.9 * choices->tolerance,
				      choices->seed, choices->memory,
				      single_floor};
	const char *error = NULL;
	bool done = false;

	if (may_be_single(op, choices)) {
		error = lanczos_find(&found, op, &op->set->single, &aim);
		done = error != NULL || is_certain(&found, choices->tolerance);
	}
	if (!done) {
		unsigned passes = found.passes;
		lanczos_free(&found);
		found.passes = passes;
		aim.floor = double_floor;
		error = lanczos_find(&found, op, &op->set->real, &aim);
	}
	factor->passes = found.passes;
	if (error == NULL && !found.reached)
		error = error_text(
			"after %u passes the worst residual is %.2g, "
			"above the tolerance %g" SVD_TOLERANCE_ADVICE,
			found.passes, found.worst, choices->tolerance);
	if (error == NULL) {
		set_sigma(factor, found.values, k);
		factor->components = found.vectors;
		narrow(factor, op->matrix->m, found.ld);
		found.vectors = NULL;
	}
	lanczos_free(&found);
	return error;
}

/* Whether C is made: where there are few columns, unless rows are so long that
 * it takes a time, and more of it than iterating in single precision. */
static bool suits_gram(const struct gram_operator *op, size_t k,
		       double tolerance)
{
	const struct csr_matrix *a = op->matrix;
	double entries = (double)a->indptr[a->n];

	if (lanczos_limit(k) + BLOCK_COLUMNS > a->m)
		return true;
	if (a->m > GRAM_TAGS)
		return false;
	double products = gram_matrix_products(a);
	return op->center != CENTER_NONE || tolerance < single_tolerance ||
	       products <= few_products ||
	       products <= entries * fmax(16, (double)k / 4);
}

const char *truncated_svd_find(struct truncated_svd *factor,
			       const struct gram_operator *op,
			       const struct svd_options *choices)
{
	size_t m = op->matrix->m, k = choices->k;
	const char *error;

	*factor = (struct truncated_svd){0};
	if (k > m)
		k = m;
	if (k > op->matrix->n)
		k = op->matrix->n;
	if (op->centred <= double_floor * op->energy)
		return NULL;
	if (suits_gram(op, k, choices->tolerance))
		error = by_gram(factor, op, k);
	else
		error = by_lanczos(factor, op, k, choices);
	if (error == NULL)
		set_signs(factor, m);
	return error;
}

/* --------------------------------------------------------------- residual */

/* C is off by about eps ||A||_F^2: much, beside B^T B, where centring took
 * most of A, and beside the squares of the last of steeply falling values. */
bool truncated_svd_knows(const struct truncated_svd *factor,
			 const struct gram_operator *op)
{
	double first = factor->sigma[0], last = factor->sigma[factor->k - 1];

	return factor->gram != NULL &&
	       DBL_EPSILON * op->energy <= residual_error * last * first;
}

/* Y = C V, in strips */
static double *multiply(const struct truncated_svd *factor, size_t m)
{
	double *y = alloc_resize(NULL, alloc_product(m, factor->ld), sizeof *y);

	for (size_t j = 0; j < factor->ld; j += BLOCK_COLUMNS)
		dense_apply(m, factor->gram, factor->components + j, factor->ld,
			    y + j * m);
	return y;
}

void truncated_svd_residual(const struct truncated_svd *factor,
			    const struct gram_operator *op, const double *y,
			    double *residual)
{
	size_t m = op->matrix->m, k = factor->k, ld = factor->ld;
	double *made = y == NULL ? multiply(factor, m) : NULL;
	const double *from = made != NULL ? made : y;

	memset(residual, 0, k * sizeof *residual);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < k; j++) {
			double off = from[(j / BLOCK_COLUMNS * m + i) *
						  BLOCK_COLUMNS +
					  j % BLOCK_COLUMNS] /
					     factor->sigma[j] -
				     factor->sigma[j] *
					     factor->components[i * ld + j];
			residual[j] += off * off;
		}
	for (size_t j = 0; j < k; j++)
		residual[j] = sqrt(residual[j]) / factor->sigma[0];
	free(made);
}
