#include "model/row_removal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/model_verify.h"
#include "model/row_tensors.h"
#include "model/safetensors_writer.h"
#include "text/tsv.h"

size_t row_removal_mark(const struct csr_matrix *matrix,
			const struct customer_names *names, bool *gone)
{
	char *escaped = NULL;
	size_t room = 0, count = 0;

	for (size_t i = 0; i < matrix->n; i++) {
		size_t length;
		const char *name = text_array_at(&matrix->users, i, &length);

		escaped = alloc_grow(escaped, &room, 2 * length + 1, 1);
		gone[i] = customer_names_is_forgotten(
			names, escaped, tsv_escape(escaped, name, length));
		count += gone[i];
	}
	free(escaped);
	return count;
}

/* A file being written. */
struct removal {
	const struct csr_matrix *matrix;
	const bool *gone;
	struct row_order order; /* the rows that stay */
	struct tensor_writer writer;
};

/* Counts of customers, less those that are gone and have the tag. */
static void put_tag_tenths(struct removal *removal)
{
	const struct csr_matrix *matrix = removal->matrix;
	size_t size = alloc_product(matrix->m, TENTHS);
	int64_t *counts = alloc(size, sizeof *counts);

	memcpy(counts, matrix->tenths, size * sizeof *counts);
	for (size_t i = 0; i < matrix->n; i++)
		for (int64_t j = matrix->indptr[i];
		     removal->gone[i] && j < matrix->indptr[i + 1]; j++)
			if (matrix->raw[j] > 0)
				counts[(size_t)matrix->indices[j] * TENTHS +
				       matrix->tenth[i]]--;
	tensor_writer_put(&removal->writer, counts, size * sizeof *counts);
	free(counts);
}

static void put_tenths(struct removal *removal)
{
	const struct csr_matrix *matrix = removal->matrix;
	int64_t counts[TENTHS];

	memcpy(counts, matrix->tenth_size, sizeof counts);
	for (size_t i = 0; i < matrix->n; i++)
		counts[matrix->tenth[i]] -= removal->gone[i];
	tensor_writer_put(&removal->writer, counts, sizeof counts);
}

/* own: counts of customers are those of this file. */
static void put_tensor(struct removal *removal, const struct tensor *tensor,
		       bool own)
{
	if (own && strcmp(tensor->name, "tags.tenths") == 0)
		put_tag_tenths(removal);
	else if (own && strcmp(tensor->name, "tenths") == 0)
		put_tenths(removal);
	else
		row_order_put(&removal->order, &removal->writer, tensor);
}

static json_t *describe(const struct model *model, const char *version)
{
	json_t *metadata = row_tensors_metadata(&model->file);
	char id[17];

	metadata_set(metadata, "project.version", "%s", version);
	model_id(model, id);
	if (model->embedding != NULL)
		metadata_set(metadata, "project.model", "%s", id);
	return metadata;
}

/* The places of the rows that stay, and in *count how many; free() them. */
static struct shard_place *list_rows(size_t n, const bool *gone, size_t *count)
{
	struct shard_place *places = alloc(n, sizeof *places);

	*count = 0;
	for (size_t i = 0; i < n; i++)
		if (!gone[i])
			places[(*count)++].row = (uint32_t)i;
	return places;
}

void row_removal_write(const struct model *model, const bool *gone,
		       const char *version, struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;
	const struct shard_file file = {model->input.name, &model->file,
					matrix};
	struct tensor *old = alloc(model->file.count, sizeof *old);
	struct tensor *tensors = alloc(model->file.count, sizeof *tensors);
	size_t rows, count = row_tensors_list(&model->file, old);
	struct shard_place *places = list_rows(matrix->n, gone, &rows);
	struct removal removal = {
		.matrix = matrix,
		.gone = gone,
		.order = row_order_make(&file, 1, places, rows)};
	json_t *metadata = describe(model, version);

	for (size_t i = 0; i < count; i++) {
		tensors[i] = old[i];
		row_order_resize(&removal.order, &tensors[i]);
	}
	tensor_writer_begin(&removal.writer, output, metadata, tensors, count);
	for (size_t i = 0; i < count; i++)
		put_tensor(&removal, &old[i], model_counts_its_own(model));
	tensor_writer_end(&removal.writer);
	json_decref(metadata);
	free(places);
	free(tensors);
	free(old);
}
