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
#include "linalg/ranks.h"
#include "linalg/residuals.h"
#include "linalg/transposed_matrix.h"
#include "base/progress.h"

/* Eigenvalues of C below this share of the largest are rounding error. */
static const double single_rank_tolerance = 1e-6, double_rank_tolerance = 1e-13;

/* The accuracy of the residuals that are written. */
static const double residual_accuracy = 1e-12;

/* Single precision reaches this tolerance, and can hold the products with C
 * where ||A||_F^2 is in this range. */
static const double single_tolerance = 1e-5;
static const double single_min_norm = 1e-20, single_max_norm = 1e20;

/* The rounding error of v = B^T u / s is taken to be at most this many units,
 * DBL_EPSILON (s_1 / s)^2. */
static const double transposed_error = 100;

/* Multiplications for C that take less than a second. */
static const double quick_products = 1 << 28;

void truncated_svd_free(struct truncated_svd *svd)
{
	free(svd->sigma);
	free(svd->components);
	free(svd->gram);
	*svd = (struct truncated_svd){0};
}

/* Set sigma from the eigenvalues, and k to the numerical rank if that is less.
 */
static void set_sigma(struct truncated_svd *svd, const double *values,
		      size_t count)
{
	svd->sigma = alloc(count, sizeof *svd->sigma);
	svd->k = 0;
	for (size_t i = 0; i < count; i++) {
		if (!(values[i] > 0 &&
		      values[i] > double_rank_tolerance * values[0]))
			break;
		svd->sigma[svd->k++] = sqrt(values[i]);
	}
}

/* Set columns from k on to zero, and make the element of largest magnitude of
 * each other one, the first of equal ones, positive. */
static void set_signs(struct truncated_svd *svd, size_t m)
{
	size_t ld = svd->ld, *top = alloc(ld, sizeof *top);
	double *v = svd->components;

	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < svd->k; j++)
			if (fabs(v[i * ld + j]) > fabs(v[top[j] * ld + j]))
				top[j] = i;
	double *sign = alloc(ld, sizeof *sign);
	for (size_t j = 0; j < svd->k; j++)
		sign[j] = v[top[j] * ld + j] < 0 ? -1 : 1;
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < ld; j++)
			v[i * ld + j] =
				sign[j] != 0 ? sign[j] * v[i * ld + j] : 0;
	free(top);
	free(sign);
}

/* Reduce the leading dimension of the components from ld to what k needs. */
static void reduce_ld(struct truncated_svd *svd, size_t m, size_t ld)
{
	svd->ld = (svd->k + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS * BLOCK_COLUMNS;
	for (size_t i = 0; i < m && svd->ld < ld; i++)
		memmove(svd->components + i * svd->ld, svd->components + i * ld,
			svd->ld * sizeof *svd->components);
}

/* ------------------------------------------------------------ gram matrix */

static const char *find_by_gram_matrix(struct truncated_svd *svd,
				       const struct gram_operator *gram,
				       size_t k)
{
	size_t m = gram->m;
	size_t items = alloc_product(m, m);
	double *copy = alloc_resize(NULL, items, sizeof *copy);
	double *values = alloc(k, sizeof *values);
	double *vectors = alloc(alloc_product(k, m), sizeof *vectors);

	svd->gram = alloc_resize(NULL, items, sizeof *svd->gram);
	progress_begin("customers", gram->n);
	gram_matrix_compute(gram, svd->gram);
	progress_end();
	svd->passes = 1;
	memcpy(copy, svd->gram, items * sizeof *copy);
	const char *error = dense_eigen(m, copy, k, values, vectors);
	free(copy);
	if (error == NULL) {
		set_sigma(svd, values, k);
		reduce_ld(svd, 0, 0);
		svd->components = alloc_aligned(alloc_product(m, svd->ld),
						sizeof *svd->components);
		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < svd->ld; j++)
				svd->components[i * svd->ld + j] =
					j < svd->k ? vectors[j * m + i] : 0;
	}
	free(values);
	free(vectors);
	return error;
}

/* ---------------------------------------------------------------- Lanczos */

/* Whether single precision may be tried. */
static bool may_be_single(const struct gram_operator *gram,
			  const struct svd_options *options)
{
	return options->tolerance >= single_tolerance &&
	       gram->center == CENTER_NONE &&
	       gram->norm_squared >= single_min_norm &&
	       gram->norm_squared <= single_max_norm;
}

/* Whether the pairs found in single precision are accurate enough: each
 * eigenvalue exceeds the rounding error, and that is within the tolerance.  In
 * v = B^T u / s it is s_1 / s times as large as in u. */
static bool single_suffices(const struct lanczos *lanczos, double tolerance,
			    bool transposed)
{
	double last = lanczos->values[lanczos->k - 1],
	       first = lanczos->values[0];

	return lanczos->converged && last > single_rank_tolerance * first &&
	       single_rank_tolerance * first <=
		       tolerance * (transposed ? last : sqrt(last * first));
}

static const char *find_by_lanczos(struct truncated_svd *svd,
				   const struct gram_operator *gram, size_t k,
				   const struct svd_options *options,
				   bool transposed)
{
	struct lanczos lanczos = {0};
	/* The estimated residual is below the true one by rounding error: ask
	 * for a little less. */
	struct lanczos_options wanted = {k, 0.9 * options->tolerance,
					 options->seed, options->memory,
					 single_rank_tolerance};
	const char *error = NULL;
	bool done = false;

	if (may_be_single(gram, options)) {
		error = lanczos_find(&lanczos, gram,
				     &gram->set->single_precision, &wanted);
		done = error != NULL ||
		       single_suffices(&lanczos, options->tolerance,
				       transposed);
	}
	if (!done) {
		unsigned passes = lanczos.passes;
		lanczos_free(&lanczos);
		lanczos.passes = passes;
		wanted.rank_tolerance = double_rank_tolerance;
		error = lanczos_find(&lanczos, gram,
				     &gram->set->double_precision, &wanted);
	}
	svd->passes = lanczos.passes;
	if (error == NULL && !lanczos.converged)
		error = error_text(
			"after %u passes the worst residual is %.2g, "
			"above the tolerance %g" SVD_TOLERANCE_ADVICE,
			lanczos.passes, lanczos.worst_residual,
			options->tolerance);
	if (error == NULL) {
		set_sigma(svd, lanczos.values, k);
		svd->components = lanczos.vectors;
		reduce_ld(svd, gram->m, lanczos.ld);
		lanczos.vectors = NULL;
	}
	lanczos_free(&lanczos);
	return error;
}

/* Whether to form C: where there are few columns, unless rows are so long that
 * it takes more than a second and longer than iterating in single precision. */
static bool use_gram_matrix(const struct gram_operator *gram, size_t k,
			    double tolerance)
{
	double entries = (double)gram->nnz, products = gram->products;

	if (lanczos_basis_limit(k) + BLOCK_COLUMNS > gram->m)
		return true;
	if (gram->m > GRAM_MAX_COLUMNS)
		return false;
	return gram->center != CENTER_NONE || tolerance < single_tolerance ||
	       products <= quick_products ||
	       products <= entries * fmax(16, (double)k / 4);
}

/* transposed: the matrix is. */
static const char *find(struct truncated_svd *svd,
			const struct gram_operator *gram, size_t k,
			const struct svd_options *options, bool transposed)
{
	return use_gram_matrix(gram, k, options->tolerance)
		       ? find_by_gram_matrix(svd, gram, k)
		       : find_by_lanczos(svd, gram, k, options, transposed);
}

/* ------------------------------------------------------------ transposition */

static bool may_transpose(const struct gram_operator *gram)
{
	return gram->matrix != NULL && ranks_count() == 1 &&
	       gram->center == CENTER_NONE && gram->m > GRAM_MAX_COLUMNS &&
	       gram->m / 2 >= gram->n;
}

/* Whether v = B^T u / s is accurate enough for each triplet. */
static bool transposed_suffices(const struct truncated_svd *svd,
				double tolerance)
{
	double share;

	if (svd->k == 0)
		return false;
	share = svd->sigma[0] / svd->sigma[svd->k - 1];
	return transposed_error * DBL_EPSILON * share * share <= tolerance;
}

/* The components become V = B^T U / s, orthonormal but for rounding. */
static void set_components(struct truncated_svd *svd,
			   const struct transposed_matrix *transposed,
			   unsigned threads)
{
	size_t m = transposed->matrix.n, ld = svd->ld;
	double *v = alloc_aligned(alloc_product(m, ld), sizeof *v);

	transposed_matrix_multiply(transposed, ld, svd->components, v, threads);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < ld; j++)
			v[i * ld + j] =
				j < svd->k ? v[i * ld + j] / svd->sigma[j] : 0;
	dense_reorthonormalize(m, svd->k, ld, v);
	free(svd->components);
	free(svd->gram);
	svd->components = v;
	svd->gram = NULL;
	svd->passes++;
}

/* Find the triplets from those of B^T; svd->k is 0 where they are not accurate
 * enough.  Takes 8 bytes for each value of B beside its vectors. */
static const char *find_transposed(struct truncated_svd *svd,
				   const struct gram_operator *gram, size_t k,
				   const struct svd_options *options)
{
	struct transposed_matrix transposed;
	struct gram_operator outer; /* B B^T */
	const char *error;

	transposed_matrix_make(&transposed, gram->matrix);
	error = gram_operator_begin(&outer, &transposed.matrix, CENTER_NONE,
				    gram->threads);
	outer.set = gram->set;
	if (error == NULL)
		error = find(svd, &outer, k, options, true);
	if (error == NULL && transposed_suffices(svd, options->tolerance))
		set_components(svd, &transposed, gram->threads);
	else
		truncated_svd_free(svd);
	gram_operator_end(&outer);
	transposed_matrix_free(&transposed);
	return error;
}

const char *truncated_svd_find(struct truncated_svd *svd,
			       const struct gram_operator *gram,
			       const struct svd_options *options)
{
	size_t m = gram->m, k = options->k;
	const char *error = NULL;

	*svd = (struct truncated_svd){0};
	if (k > m)
		k = m;
	if (k > gram->n)
		k = gram->n;
	if (gram->centred_norm_squared <=
	    double_rank_tolerance * gram->norm_squared)
		return NULL;
	if (may_transpose(gram))
		error = find_transposed(svd, gram, k, options);
	if (error == NULL && svd->k == 0)
		error = find(svd, gram, k, options, false);
	if (error == NULL)
		set_signs(svd, m);
	return error;
}

/* --------------------------------------------------------------- residual */

/* The rounding error of C is about eps ||A||_F^2.  It is not negligible where
 * ||B||_F is much less than ||A||_F, or the last singular value much less than
 * the first. */
bool truncated_svd_gram_is_accurate(const struct truncated_svd *svd,
				    const struct gram_operator *gram)
{
	double first = svd->sigma[0], last = svd->sigma[svd->k - 1];

	return svd->gram != NULL && DBL_EPSILON * gram->norm_squared <=
					    residual_accuracy * last * first;
}

/* Y = C V, in blocks */
static double *multiply(const struct truncated_svd *svd, size_t m)
{
	double *y = alloc_resize(NULL, alloc_product(m, svd->ld), sizeof *y);

	for (size_t j = 0; j < svd->ld; j += BLOCK_COLUMNS)
		dense_multiply_block(m, svd->gram, svd->components + j, svd->ld,
				     y + j * m);
	return y;
}

void truncated_svd_residual(const struct truncated_svd *svd,
			    const struct gram_operator *gram, const double *y,
			    double *residual)
{
	double *product = y == NULL ? multiply(svd, gram->m) : NULL;

	residuals_find(svd->sigma, svd->components, gram->m, svd->k, svd->ld,
		       product != NULL ? product : y, residual);
	free(product);
}

const char *truncated_svd_check_residuals(const struct truncated_svd *svd,
					  const double *residual,
					  double tolerance)
{
	for (size_t j = 0; j < svd->k; j++)
		if (!(residual[j] <= tolerance))
			return error_text(
				"triplet %zu has a residual of %.2g, above the "
				"tolerance %g" SVD_TOLERANCE_ADVICE,
				j + 1, residual[j], tolerance);
	return NULL;
}
