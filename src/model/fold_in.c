#include "model/fold_in.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/json_memory.h"
#include "model/safetensors_writer.h"

static const char *read_words(struct fold_in *fold)
{
	const char *error = weighting_read(&fold->model.file, &fold->value,
					   &fold->damp, &fold->norm);

	if (error == NULL && fold->value == VALUE_AUTO)
		error = "its metadata have matrix.value \"auto\", expected "
			"the one that was chosen";
	if (error != NULL)
		return error;
	tag_prefixes_of_attributes(&fold->attributes, &fold->model.file);
	return NULL;
}

bool fold_in_is_attribute(const struct fold_in *fold, size_t tag)
{
	size_t length;
	const char *text;

	if (fold->attributes.count == 0)
		return false;
	text = text_array_at(&fold->model.matrix.tags, tag, &length);
	return tag_prefixes_find(&fold->attributes, text, length) !=
	       TAG_PREFIX_NONE;
}

/* Find the least active customer of each tenth in these rows. */
static const char *read_rows(struct fold_in *fold,
			     const struct csr_matrix *matrix)
{
	const char *error = NULL;
	bool *attribute = alloc(matrix->m, sizeof *attribute);

	for (size_t tag = 0; tag < matrix->m; tag++)
		attribute[tag] = fold_in_is_attribute(fold, tag);

	for (size_t row = 0; row < matrix->n && error == NULL; row++) {
		uint64_t active = 0;
		unsigned tenth = matrix->tenth[row];
		error = csr_matrix_check_row(matrix, row);
		if (error == NULL && tenth >= TENTHS)
			error = error_text("row %zu is damaged: tenth %u", row,
					   tenth);
		if (error != NULL)
			break;
		for (int64_t i = matrix->indptr[row];
		     i < matrix->indptr[row + 1]; i++)
			active += matrix->raw[i] > 0 &&
				  !attribute[matrix->indices[i]];
		if (active < fold->minimum[tenth])
			fold->minimum[tenth] = active;
	}
	free(attribute);
	return error;
}

/* Take the options of the model, and no rows yet. */
static const char *begin(struct fold_in *fold)
{
	const char *error = read_words(fold);

	for (int t = 0; t < TENTHS; t++)
		fold->minimum[t] = UINT64_MAX;
	return error;
}

/* A file of the model; the first is fold->model. */
static const char *read_file(const struct model *model, void *context)
{
	struct fold_in *fold = context;
	const char *error = model == &fold->model ? begin(fold) : NULL;

	return error != NULL ? error : read_rows(fold, &model->matrix);
}

const char *fold_in_open(struct fold_in *fold, const char *path)
{
	return model_open_columns(&fold->model, path, 1, read_file, fold);
}

const char *fold_in_view(struct fold_in *fold, const struct model *model)
{
	const char *error;

	fold->model = *model;
	error = begin(fold);
	return error != NULL ? error : read_rows(fold, &model->matrix);
}

unsigned char fold_in_tenth(const struct fold_in *fold, uint64_t active)
{
	unsigned char tenth = 0;

	for (unsigned char t = 1; t < TENTHS; t++)
		if (fold->minimum[t] <= active)
			tenth = t;
	return tenth;
}

void fold_in_describe(const struct fold_in *fold, json_t *metadata)
{
	json_t *options = fold->model.file.metadata, *value;
	const char *key;
	char id[17];

	json_object_foreach(options, key,
			    value) if (strncmp(key, "matrix.", 7) == 0 ||
				       strncmp(key, "columns.", 8) == 0)
		json_check(json_object_set(metadata, key, value));
	model_id(&fold->model, id);
	metadata_set(metadata, "matrix.as", "%s", id);
}

/* An error text unless both files have the tensor, with the same bytes. */
static const char *compare_tensor(const struct model *model,
				  const struct model *matrix, const char *name)
{
	const struct tensor *of_model = safetensors_find(&model->file, name);
	const struct tensor *own = safetensors_find(&matrix->file, name);

	if (of_model == NULL || own == NULL || of_model->size != own->size ||
	    memcmp(of_model->bytes, own->bytes, own->size) != 0)
		return error_text("its %s are not those of %s: make it by "
				  "cs-matrix --as %s",
				  name, model->input.name, model->input.name);
	return NULL;
}

const char *fold_in_compare(const struct model *model,
			    const struct model *matrix)
{
	static const char *const tensors[] = {"tags.offsets", "tags.bytes",
					      "tags.weight"};
	static const char *const options[] = {"matrix.value", "matrix.damp",
					      "matrix.norm"};
	const char *error = NULL;

	for (size_t i = 0; i < 3 && error == NULL; i++)
		error = compare_tensor(model, matrix, tensors[i]);
	for (size_t i = 0; i < 3 && error == NULL; i++) {
		const char *own = safetensors_option(&matrix->file, options[i]);
		const char *other =
			safetensors_option(&model->file, options[i]);
		if (own == NULL || other == NULL || strcmp(own, other) != 0)
			error = error_text("its %s is not that of %s: make it "
					   "by cs-matrix --as %s",
					   options[i], model->input.name,
					   model->input.name);
	}
	return error;
}

void fold_in_close(struct fold_in *fold)
{
	model_close(&fold->model);
}
