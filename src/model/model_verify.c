#include "model/model_verify.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/string_table.h"
#include "model/captured.h"

const char *text_array_check(const struct text_array *texts, const char *what)
{
	const char *last = NULL;
	size_t last_length = 0;

	/* The first offset is 0 and the last the size of the bytes. */
	for (size_t i = 0; i < texts->count; i++)
		if (texts->offsets[i + 1] <= texts->offsets[i])
			return error_text("tensor %s.offsets is damaged: item "
					  "%zu is not above the one before it",
					  what, i + 1);
	for (size_t i = 0; i < texts->count; i++) {
		size_t length;
		const char *text = text_array_at(texts, i, &length);
		if (i > 0 &&
		    string_table_compare(last, last_length, text, length) >= 0)
			return error_text(
				"tensor %s.bytes is damaged: name %zu "
				"does not come after the one before it",
				what, i);
		last = text;
		last_length = length;
	}
	return NULL;
}

/* Count in tenths (m x TENTHS) the customers with a raw value above zero. */
static const char *check_rows(const struct csr_matrix *matrix, int64_t *tenths)
{
	for (size_t row = 0; row < matrix->n; row++) {
		const char *error = csr_matrix_check_row(matrix, row);
		if (error != NULL)
			return error;
		if (matrix->tenth[row] >= TENTHS)
			return error_text("tensor users.tenth is damaged: item "
					  "%zu is %u, expected 0 to 9",
					  row, (unsigned)matrix->tenth[row]);
		for (int64_t i = matrix->indptr[row];
		     i < matrix->indptr[row + 1]; i++)
			if (matrix->raw[i] > 0)
				tenths[(size_t)matrix->indices[i] * TENTHS +
				       matrix->tenth[row]]++;
	}
	return NULL;
}

static const char *check_counts(const struct csr_matrix *matrix,
				const int64_t *tenths)
{
	int64_t size[TENTHS] = {0};

	for (size_t i = 0; i < matrix->m * TENTHS; i++)
		if (tenths[i] != matrix->tenths[i])
			return error_text(
				"tensor tags.tenths is damaged: %lld "
				"customers of tenth %zu have tag %zu, "
				"and it says %lld",
				(long long)tenths[i], i % TENTHS, i / TENTHS,
				(long long)matrix->tenths[i]);
	for (size_t i = 0; i < matrix->n; i++)
		size[matrix->tenth[i]]++;
	for (size_t i = 0; i < TENTHS; i++)
		if (size[i] != matrix->tenth_size[i])
			return error_text("tensor tenths is damaged: %lld "
					  "customers are of tenth %zu, and it "
					  "says %lld",
					  (long long)size[i], i,
					  (long long)matrix->tenth_size[i]);
	return NULL;
}

/* own: what it says of tenths is about its own customers, not about those of a
 * model that they were made for (model/fold_in.h). */
static const char *check_matrix(const struct csr_matrix *matrix, bool own)
{
	int64_t *tenths =
		alloc(alloc_product(matrix->m, TENTHS), sizeof *tenths);
	const char *error = text_array_check(&matrix->users, "users");

	if (error == NULL)
		error = text_array_check(&matrix->tags, "tags");
	if (error == NULL)
		error = check_rows(matrix, tenths);
	if (error == NULL && own)
		error = check_counts(matrix, tenths);
	free(tenths);
	for (size_t i = 0; error == NULL && i < matrix->m; i++)
		if (!isfinite(matrix->weight[i]) || matrix->weight[i] < 0)
			error = error_text(
				"tensor tags.weight is damaged: item "
				"%zu is %g",
				i, matrix->weight[i]);
	return error;
}

static const char *check_embedding(const struct model *model)
{
	for (size_t i = 0; i < model->matrix.n; i++)
		for (size_t j = 0; j < model->k; j++)
			if (!isfinite(model->embedding[i * model->k + j]))
				return error_text(
					"tensor embedding is damaged: "
					"row %zu is not finite",
					i);
	return NULL;
}

/* What the opening has not looked at yet. */
static const char *check_triplets(const struct model *model)
{
	for (size_t i = 1; i < model->k; i++)
		if (model->sigma[i] > model->sigma[i - 1])
			return error_text(
				"tensor sigma is damaged: item %zu is "
				"above the one before it",
				i);
	for (size_t i = 0; i < model->k; i++)
		if (model->residual[i] < 0)
			return error_text(
				"tensor residual is damaged: item %zu "
				"is below zero",
				i);
	/* Rounding may lead a cosine that far out. */
	if (fabs(model->median_pair) > 1.001 || fabs(model->top_pair) > 1.001 ||
	    model->median_pair > model->top_pair)
		return error_text("tensor pairs is damaged: %g and %g are no "
				  "cosines that rise",
				  model->median_pair, model->top_pair);
	return NULL;
}

static bool is_zero(const float *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (values[i] != 0)
			return false;
	return true;
}

static size_t count_silent(const struct model *model)
{
	const struct csr_matrix *matrix = &model->matrix;
	size_t silent = 0;

	for (size_t i = 0; i < matrix->n; i++)
		if (model->embedding != NULL)
			silent += is_zero(model->embedding + i * model->k,
					  model->k);
		else
			silent += is_zero(matrix->values + matrix->indptr[i],
					  (size_t)(matrix->indptr[i + 1] -
						   matrix->indptr[i]));
	return silent;
}

const char *model_check(const struct model *model, struct findings *findings)
{
	const char *error = safetensors_verify_all(&model->file, 1);

	if (error == NULL)
		error = check_matrix(
			&model->matrix,
			safetensors_option(&model->file, "matrix.as") == NULL);
	if (error == NULL && model->embedding != NULL)
		error = check_embedding(model);
	if (error == NULL && model->embedding != NULL)
		error = check_triplets(model);
	if (error == NULL && model->embedding != NULL)
		error = captured_check(model);
	if (error != NULL)
		return error;
	findings->sums = model->file.count;
	findings->silent = count_silent(model);
	return NULL;
}
