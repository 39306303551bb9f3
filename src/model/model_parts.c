#include "model/model_parts.h"

#include <string.h>

#include "base/errors.h"
#include "base/number.h"
#include "model/model_verify.h"
#include "model/npy.h"
#include "text/tsv.h"

const char *const model_part_words[] = {[PART_USERS] = "users",
					[PART_TAGS] = "tags",
					[PART_PROFILES] = "profiles",
					[PART_EMBEDDING] = "embedding",
					[PART_COMPONENTS] = "components",
					[PART_SIGMA] = "sigma",
					NULL};

/* ---------------------------------------------------------------- checking */

/* Compare the tensors of a part with their checksums; those of components and
 * sigma were compared when the model was opened. */
static const char *verify_tensors(const struct model *model,
				  enum model_part part)
{
	static const char *const tensors[][6] = {
		[PART_USERS] = {"users.offsets", "users.bytes", "users.tenth",
				"profile.indptr", "profile.raw"},
		[PART_TAGS] = {"tags.offsets", "tags.bytes", "tags.weight",
			       "tags.tenths"},
		[PART_PROFILES] = {"users.offsets", "users.bytes",
				   "profile.indptr", "profile.indices",
				   "profile.values", "profile.raw"},
		[PART_EMBEDDING] = {"users.offsets", "users.bytes",
				    "embedding"},
		[PART_COMPONENTS] = {"tags.offsets", "tags.bytes"},
		[PART_SIGMA] = {NULL},
	};
	const char *error = NULL;

	for (size_t i = 0; i < 6 && error == NULL; i++) {
		const char *name = tensors[part][i];
		if (name != NULL)
			error = safetensors_verify(
				&model->file,
				safetensors_find(&model->file, name));
	}
	return error;
}

const char *model_part_check(const struct model *model, enum model_part part)
{
	const struct csr_matrix *matrix = &model->matrix;
	const char *error;

	if (model->embedding == NULL && part >= PART_EMBEDDING)
		return error_text("a matrix, which has no %s: cs-svd makes a "
				  "model of it",
				  model_part_words[part]);
	error = verify_tensors(model, part);
	if (error == NULL && (part == PART_USERS || part == PART_PROFILES ||
			      part == PART_EMBEDDING))
		error = text_array_check(&matrix->users, "users");
	if (error == NULL && (part == PART_TAGS || part == PART_PROFILES ||
			      part == PART_COMPONENTS))
		error = text_array_check(&matrix->tags, "tags");
	return error;
}

/* -------------------------------------------------------------------- TSV */

/* How many tags the customer has: values above zero. */
static size_t tags_had(const struct csr_matrix *matrix, size_t row)
{
	size_t tags = 0;

	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		tags += matrix->raw[i] > 0;
	return tags;
}

/* How many customers have the tag. */
static int64_t customers_with(const struct csr_matrix *matrix, size_t tag)
{
	int64_t count = 0;

	for (size_t i = 0; i < TENTHS; i++)
		count += matrix->tenths[tag * TENTHS + i];
	return count;
}

static void put_name(struct output *output, const char *name)
{
	tsv_write_field(output, name, strlen(name));
}

static void put_text(struct output *output, const struct text_array *texts,
		     size_t i)
{
	size_t length;
	const char *name = text_array_at(texts, i, &length);

	tsv_write_field(output, name, length);
}

/* A tab, and the number so that it reads back. */
static void put_number(struct output *output, double value, int digits)
{
	char written[NUMBER_TEXT];
	size_t length = number_write(written, value, digits);

	output_write(output, "\t", 1);
	output_write(output, written, length);
}

enum { FLOAT_DIGITS = 9, DOUBLE_DIGITS = 17 };

static const char *users_tsv(const struct model *model, struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;
	const char *error;

	put_name(output, matrix->customer);
	output_text(output, "\ttags\ttenth\n");
	for (size_t i = 0; i < matrix->n; i++) {
		if ((error = csr_matrix_check_row(matrix, i)) != NULL)
			return error;
		put_text(output, &matrix->users, i);
		output_print(output, "\t%zu\t%u\n", tags_had(matrix, i),
			     (unsigned)matrix->tenth[i]);
	}
	return NULL;
}

static const char *tags_tsv(const struct model *model, struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;

	put_name(output, matrix->tag);
	output_text(output, "\tcustomers\tweight\n");
	for (size_t i = 0; i < matrix->m; i++) {
		put_text(output, &matrix->tags, i);
		output_print(output, "\t%lld",
			     (long long)customers_with(matrix, i));
		put_number(output, matrix->weight[i], DOUBLE_DIGITS);
		output_text(output, "\n");
	}
	return NULL;
}

static const char *profiles_tsv(const struct model *model,
				struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;
	const char *error;

	put_name(output, matrix->customer);
	output_text(output, "\t");
	put_name(output, matrix->tag);
	output_text(output, "\t");
	put_name(output, matrix->value);
	output_text(output, "\tweighted\n");
	for (size_t i = 0; i < matrix->n; i++) {
		if ((error = csr_matrix_check_row(matrix, i)) != NULL)
			return error;
		for (int64_t j = matrix->indptr[i]; j < matrix->indptr[i + 1];
		     j++) {
			put_text(output, &matrix->users, i);
			output_text(output, "\t");
			put_text(output, &matrix->tags,
				 (size_t)matrix->indices[j]);
			put_number(output, matrix->raw[j], FLOAT_DIGITS);
			put_number(output, matrix->values[j], FLOAT_DIGITS);
			output_text(output, "\n");
		}
	}
	return NULL;
}

/* A row for each name, with a column for each of the k dimensions, numbered
 * from 1: of floats, or of doubles where floats is NULL. */
static void put_dimensions(const char *heading, const struct text_array *names,
			   size_t k, const float *floats, const double *doubles,
			   struct output *output)
{
	put_name(output, heading);
	for (size_t j = 0; j < k; j++)
		output_print(output, "\t%zu", j + 1);
	output_text(output, "\n");
	for (size_t i = 0; i < names->count; i++) {
		put_text(output, names, i);
		for (size_t j = 0; j < k; j++)
			if (floats != NULL)
				put_number(output, (double)floats[i * k + j],
					   FLOAT_DIGITS);
			else
				put_number(output, doubles[i * k + j],
					   DOUBLE_DIGITS);
		output_text(output, "\n");
	}
}

static const char *embedding_tsv(const struct model *model,
				 struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;

	put_dimensions(matrix->customer, &matrix->users, model->k,
		       model->embedding, NULL, output);
	return NULL;
}

static const char *components_tsv(const struct model *model,
				  struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;

	put_dimensions(matrix->tag, &matrix->tags, model->k, NULL,
		       model->components, output);
	return NULL;
}

static const char *sigma_tsv(const struct model *model, struct output *output)
{
	output_text(output, "triplet\tsigma\tenergy\tresidual\n");
	for (size_t i = 0; i < model->k; i++) {
		output_print(output, "%zu", i + 1);
		put_number(output, model->sigma[i], DOUBLE_DIGITS);
		put_number(output, model_share(model, i), DOUBLE_DIGITS);
		put_number(output, model->residual[i], DOUBLE_DIGITS);
		output_text(output, "\n");
	}
	return NULL;
}

const char *model_part_write_tsv(const struct model *model,
				 enum model_part part, struct output *output)
{
	static const char *(*const writers[])(const struct model *,
					      struct output *) = {
		[PART_USERS] = users_tsv,
		[PART_TAGS] = tags_tsv,
		[PART_PROFILES] = profiles_tsv,
		[PART_EMBEDDING] = embedding_tsv,
		[PART_COMPONENTS] = components_tsv,
		[PART_SIGMA] = sigma_tsv,
	};

	return writers[part](model, output);
}

/* -------------------------------------------------------------------- npy */

bool model_part_is_array(enum model_part part)
{
	return part != PART_PROFILES;
}

void model_part_write_npy(const struct model *model, enum model_part part,
			  struct output *output)
{
	if (part == PART_USERS)
		npy_texts(output, &model->matrix.users);
	else if (part == PART_TAGS)
		npy_texts(output, &model->matrix.tags);
	else
		npy_tensor(output, safetensors_find(&model->file,
						    model_part_words[part]));
}
