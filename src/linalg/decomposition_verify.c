#include "linalg/decomposition_verify.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "linalg/gram_operator.h"
#include "linalg/projection.h"
#include "linalg/residuals.h"
#include "linalg/similarity_quantiles.h"
#include "model/model_verify.h"

/* The embedding is stored as floats. */
static const double embedding_rounding = 1e-6;
/* Residuals of other orders of summation differ by less. */
static const double residual_rounding = 1e-9;
/* Two steps in which cosines are counted. */
static const double pair_rounding = 0x1p-15;

struct verification {
	const struct model *model;
	struct similarity_quantiles quantiles;
	const char *error; /* of the first row that has one */
};

static double length_of(const float *row, size_t k)
{
	double square = 0;

	for (size_t j = 0; j < k; j++)
		square += (double)row[j] * (double)row[j];
	return sqrt(square);
}

static void compare_rows(void *context, size_t first, size_t count,
			 const float *rows)
{
	struct verification *check = context;
	size_t k = check->model->k;
	const float *stored = check->model->embedding + first * k;

	similarity_quantiles_add(&check->quantiles, first, count, stored);
	for (size_t i = 0; i < count && check->error == NULL; i++) {
		double tolerance =
			embedding_rounding * length_of(rows + i * k, k);

		for (size_t j = 0; j < k && check->error == NULL; j++)
			if (!(fabs((double)stored[i * k + j] -
				   (double)rows[i * k + j]) <= tolerance))
				check->error = error_text(
					"tensor embedding is damaged: row %zu "
					"is not the customer's row times the "
					"components",
					first + i);
	}
}

static const char *compare_pairs(struct verification *check, bool own,
				 unsigned threads)
{
	static const double shares[] = {0.5, 0.99};
	const struct model *model = check->model;
	double pairs[2];

	/* The rows of joined shards were sampled in the order of the shards. */
	if (model->matrix.n > SIMILARITY_SAMPLE &&
	    safetensors_option(&model->file, "svd.shards") != NULL)
		own = false;
	similarity_quantiles_end(&check->quantiles, threads, shares, 2, pairs);
	if (own && !(fabs(pairs[0] - model->median_pair) <= pair_rounding &&
		     fabs(pairs[1] - model->top_pair) <= pair_rounding))
		return error_text("tensor pairs is damaged: %g and %g, and its "
				  "embedding has %g and %g",
				  model->median_pair, model->top_pair, pairs[0],
				  pairs[1]);
	return NULL;
}

/* y is B^T (B V).  A singular value that is not that of its vector has another
 * residual. */
static const char *compare_residuals(const struct model *model,
				     const struct projection *projection,
				     const double *y)
{
	double *residual = alloc(model->k, sizeof *residual);
	const char *error = NULL;

	residuals_find(model->sigma, projection->components, model->matrix.m,
		       model->k, projection->ld, y, residual);
	for (size_t j = 0; j < model->k && error == NULL; j++)
		if (!(fabs(residual[j] - model->residual[j]) <=
		      residual_rounding + 1e-3 * residual[j]))
			error = error_text("tensor sigma, components or "
					   "residual is damaged: triplet %zu "
					   "has a residual of %.3g, and it "
					   "says %.3g",
					   j + 1, residual[j],
					   model->residual[j]);
	free(residual);
	return error;
}

/* What a decomposition begins with: ||B||_F^2 and the means of columns. */
static const char *compare_sums(const struct model *model)
{
	struct gram_operator gram;
	const char *error =
		gram_operator_begin(&gram, &model->matrix, model->center, 1);
	double norm = model_norm_squared(model);

	if (error == NULL && !(fabs(norm - gram.centred_norm_squared) <=
			       residual_rounding * gram.norm_squared))
		error = error_text("its metadata say that ||A||_F^2 is %.9g, "
				   "and it is %.9g",
				   norm, gram.centred_norm_squared);
	for (size_t tag = 0;
	     error == NULL && gram.column_mean != NULL && tag < model->matrix.m;
	     tag++)
		if (!(fabs(model->mean[tag] - gram.column_mean[tag]) <=
		      residual_rounding * fabs(gram.column_mean[tag])))
			error = error_text("tensor tags.mean is damaged: item "
					   "%zu is %.9g, and the mean of its "
					   "values is %.9g",
					   tag, model->mean[tag],
					   gram.column_mean[tag]);
	gram_operator_end(&gram);
	return error;
}

const char *decomposition_verify(const struct model *model, unsigned threads)
{
	struct verification check = {.model = model};
	struct projection projection;
	/* Not of other customers that it was made for, or of more. */
	bool own = model_counts_its_own(model) &&
		   safetensors_option(&model->file, "project.model") == NULL;
	bool rotated = safetensors_option(&model->file, "svd.align") != NULL ||
		       safetensors_option(&model->file, "svd.learn") != NULL;
	double *y = NULL;

	projection_model(&projection, model);
	if (own && !rotated)
		y = alloc_aligned(alloc_product(model->matrix.m, projection.ld),
				  sizeof *y);
	similarity_quantiles_begin(&check.quantiles, model->matrix.n, model->k);
	projection_embed_all(&projection, &model->matrix, threads, y,
			     compare_rows, &check);
	const char *error = compare_pairs(&check, own, threads);
	if (check.error != NULL)
		error = check.error;
	if (error == NULL && y != NULL && model->k > 0)
		error = compare_residuals(model, &projection, y);
	if (error == NULL && own)
		error = compare_sums(model);
	free(y);
	projection_end(&projection);
	return error;
}
