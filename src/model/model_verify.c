#include "model/model_verify.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/string_table.h"
#include "model/captured.h"
#include "model/matrix_metadata.h"
#include "model/weighting.h"
#include "base/thread_pool.h"

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

/* What weighting_row makes of the raw values of a row, with room for the
 * longest row. */
struct weighted_row {
	enum value value;
	enum damp damp;
	enum norm norm;
	struct matrix_entry *entries;
	double *values;
};

/* The values of a row are those that its raw values and the weights of columns
 * make.  Raw values are stored as floats: to 1e-5 of the row's largest. */
static const char *check_row_values(const struct csr_matrix *matrix, size_t row,
				    const struct weighted_row *weighted)
{
	int64_t begin = matrix->indptr[row], end = matrix->indptr[row + 1];
	double largest = 0;

	for (int64_t i = begin; i < end; i++)
		weighted->entries[i - begin] = (struct matrix_entry){
			matrix->indices[i], (double)matrix->raw[i]};
	weighting_row(weighted->damp, weighted->norm, matrix->weight,
		      weighted->entries, (size_t)(end - begin),
		      weighted->values);
	for (int64_t i = begin; i < end; i++)
		largest = fmax(largest, fabs(weighted->values[i - begin]));
	for (int64_t i = begin; i < end; i++)
		if (!(fabs((double)matrix->values[i] -
			   weighted->values[i - begin]) <= 1e-5 * largest))
			return error_text("tensor profile.values is damaged: "
					  "item %lld is %g, and its raw value "
					  "makes it %g",
					  (long long)i,
					  (double)matrix->values[i],
					  weighted->values[i - begin]);
	return NULL;
}

/* Of checked rows and weights. */
static const char *check_values(const struct model *model)
{
	const struct csr_matrix *matrix = &model->matrix;
	struct weighted_row weighted = {0};
	size_t longest = 0;
	const char *error = weighting_read(&model->file, &weighted.value,
					   &weighted.damp, &weighted.norm);

	for (size_t row = 0; row < matrix->n; row++) {
		size_t length =
			(size_t)(matrix->indptr[row + 1] - matrix->indptr[row]);
		longest = length > longest ? length : longest;
	}
	weighted.entries = alloc(longest, sizeof *weighted.entries);
	weighted.values = alloc(longest, sizeof *weighted.values);
	for (size_t row = 0; error == NULL && row < matrix->n; row++)
		error = check_row_values(matrix, row, &weighted);
	free(weighted.entries);
	free(weighted.values);
	return error;
}

/* own: the counts of tenths are those of its own customers, not of the model
 * that it was made for (model/fold_in.h). */
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

/* ------------------------------------------------------------------ options */

static bool has_option(const struct model *model, const char *key)
{
	return safetensors_option(&model->file, key) != NULL;
}

/* The weights of columns are those that the stated scheme makes of the number
 * of customers of each.  libm may differ in the last bits. */
static const char *compare_weights(const struct csr_matrix *matrix,
				   const struct matrix_options *options)
{
	size_t *users = alloc(matrix->m, sizeof *users);
	const char *error = NULL;

	for (int64_t i = 0; i < matrix->indptr[matrix->n]; i++)
		users[matrix->indices[i]]++;
	for (size_t i = 0; i < matrix->m && error == NULL; i++) {
		size_t length;
		const char *tag = text_array_at(&matrix->tags, i, &length);
		bool attribute = tag_prefixes_find(&options->attributes, tag,
						   length) != TAG_PREFIX_NONE;
		double expected =
			attribute ? 0
				  : weighting_column(options->weight, matrix->n,
						     users[i]);

		if (!(fabs(matrix->weight[i] - expected) <= 1e-12 * expected))
			error = error_text(
				"tensor tags.weight is damaged: item %zu is "
				"%.9g, and matrix.weight of its metadata makes "
				"it %.9g",
				i, matrix->weight[i], expected);
	}
	free(users);
	return error;
}

/* Options that cs-matrix wrote are known words and numbers.  Weights of blocks
 * are scaled by sums that a file does not hold, and those of all customers stay
 * where some are forgotten. */
static const char *check_options(const struct model *model)
{
	struct matrix_options options = {0};
	double *shares = NULL;
	size_t files;
	const char *error =
		matrix_metadata_read(&model->file, &options, &shares, &files);

	free(shares);
	if (error == NULL && files == 1 && options.blocks.count == 0 &&
	    model_counts_its_own(model) &&
	    !has_option(model, "project.version"))
		error = compare_weights(&model->matrix, &options);
	return error;
}

/* Of more dimensions than were asked for there are none. */
static const char *check_svd_options(const struct model *model)
{
	const char *k = safetensors_option(&model->file, "svd.k");
	const char *tolerance = safetensors_option(&model->file, "svd.tol");
	int64_t number;
	double real;

	if (k != NULL &&
	    !number_integer(k, (int64_t)model->k, INT64_MAX, &number))
		return error_text("its metadata say that svd.k is %.40s, and "
				  "there are %zu dimensions",
				  k, model->k);
	if (tolerance != NULL &&
	    !(number_real(tolerance, &real) && real > 0 && real < 1))
		return error_text("its metadata say that svd.tol is %.40s, "
				  "expected a number above 0 and below 1",
				  tolerance);
	return NULL;
}

/* ---------------------------------------------------------------- embedding */

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

/* What model_open() does not check: order, sign and range. */
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
	/* By rounding, a cosine can exceed 1 by so much. */
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

static size_t count_zero_rows(const struct model *model)
{
	const struct csr_matrix *matrix = &model->matrix;
	size_t count = 0;

	for (size_t i = 0; i < matrix->n; i++)
		if (model->embedding != NULL)
			count += is_zero(model->embedding + i * model->k,
					 model->k);
		else
			count += is_zero(matrix->values + matrix->indptr[i],
					 (size_t)(matrix->indptr[i + 1] -
						  matrix->indptr[i]));
	return count;
}

bool model_counts_its_own(const struct model *model)
{
	return safetensors_option(&model->file, "matrix.as") == NULL &&
	       safetensors_option(&model->file, "matrix.tally") == NULL;
}

const char *model_verify(const struct model *model,
			 struct model_verification *verification)
{
	const char *error = safetensors_verify_all(&model->file, 1);

	if (error == NULL)
		error = check_matrix(&model->matrix,
				     model_counts_its_own(model));
	if (error == NULL)
		error = check_values(model);
	if (error == NULL)
		error = check_options(model);
	if (error == NULL && model->embedding != NULL)
		error = check_svd_options(model);
	if (error == NULL && model->embedding != NULL)
		error = check_embedding(model);
	if (error == NULL && model->embedding != NULL)
		error = check_triplets(model);
	if (error == NULL && model->embedding != NULL)
		error = captured_check(model);
	if (error != NULL)
		return error;
	verification->sums = model->file.count;
	verification->zero_rows = count_zero_rows(model);
	return NULL;
}

/* -------------------------------------------- checksums beside a search */

/* A tensor to compare. */
struct tensor_check {
	const struct model *model;
	const struct tensor *tensor;
	char *error; /* an error text, or NULL */
};

static void compare(struct model_checksums *sums, size_t i)
{
	struct tensor_check *check = &sums->checks[i];
	const char *error =
		safetensors_verify(&check->model->file, check->tensor);

	if (error != NULL)
		check->error = alloc_text(error, strlen(error));
}

static void *compare_embeddings(void *shared)
{
	struct model_checksums *sums = shared;

	for (size_t i = sums->others; i < sums->count; i++)
		compare(sums, i);
	return NULL;
}

static void compare_piece(void *shared, size_t piece, unsigned thread)
{
	(void)thread;
	compare(shared, piece);
}

static bool is_skipped(const struct tensor *tensor, const char *const skip[])
{
	for (; *skip != NULL; skip++)
		if (strcmp(tensor->name, *skip) == 0)
			return true;
	return false;
}

/* Add the tensors that are an embedding, or those that are not. */
static void add_tensors(struct model_checksums *sums,
			const struct model *models, size_t count,
			const char *const skip[], bool embeddings)
{
	for (size_t i = 0; i < count; i++)
		for (size_t t = 0; t < models[i].file.count; t++) {
			const struct tensor *tensor =
				&models[i].file.tensors[t];

			if ((tensor->bytes == models[i].embedding) !=
				    embeddings ||
			    is_skipped(tensor, skip))
				continue;
			sums->checks[sums->count++] =
				(struct tensor_check){&models[i], tensor, NULL};
		}
}

/* The error of the first of the checks first to end - 1 that has one. */
static const char *first_error(const struct model_checksums *sums, size_t first,
			       size_t end)
{
	for (size_t i = first; i < end; i++) {
		const struct tensor_check *check = &sums->checks[i];
		if (check->error != NULL)
			return error_text("%s: %s", check->model->input.name,
					  check->error);
	}
	return NULL;
}

const char *model_checksums_begin(struct model_checksums *sums,
				  const struct model *models, size_t count,
				  const char *const skip[], unsigned threads)
{
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		most += models[i].file.count;
	*sums = (struct model_checksums){
		.checks = alloc(most, sizeof *sums->checks)};
	add_tensors(sums, models, count, skip, false);
	sums->others = sums->count;
	add_tensors(sums, models, count, skip, true);
	sums->running = threads > 1 && sums->others < sums->count &&
			pthread_create(&sums->thread, NULL, compare_embeddings,
				       sums) == 0;
	if (!sums->running)
		compare_embeddings(sums);
	thread_pool_run(threads, sums->others, compare_piece, sums);
	return first_error(sums, 0, sums->others);
}

const char *model_checksums_end(struct model_checksums *sums)
{
	if (sums->running)
		pthread_join(sums->thread, NULL);
	const char *error = first_error(sums, sums->others, sums->count);
	for (size_t i = 0; i < sums->count; i++)
		free(sums->checks[i].error);
	free(sums->checks);
	*sums = (struct model_checksums){0};
	return error;
}
