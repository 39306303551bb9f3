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

void row_counts_copy(struct row_counts *counts, const struct csr_matrix *matrix)
{
	size_t size = alloc_product(matrix->m, TENTHS);

	counts->tags = alloc(size, sizeof *counts->tags);
	memcpy(counts->tags, matrix->tenths, size * sizeof *counts->tags);
	memcpy(counts->all, matrix->tenth_size, sizeof counts->all);
}

void row_counts_subtract(struct row_counts *counts,
			 const struct csr_matrix *matrix, const bool *gone)
{
	for (size_t i = 0; i < matrix->n; i++) {
		if (!gone[i])
			continue;
		counts->all[matrix->tenth[i]]--;
		for (int64_t j = matrix->indptr[i]; j < matrix->indptr[i + 1];
		     j++)
			if (matrix->raw[j] > 0)
				counts->tags[(size_t)matrix->indices[j] *
						     TENTHS +
					     matrix->tenth[i]]--;
	}
}

/* A file being written. */
struct removal {
	size_t m;                        /* tags */
	const struct row_counts *counts; /* NULL: as they were */
	struct row_order order;          /* the rows that stay */
	struct tensor_writer writer;
};

static void put_tensor(struct removal *removal, const struct tensor *tensor)
{
	const struct row_counts *counts = removal->counts;

	if (counts != NULL && strcmp(tensor->name, "tags.tenths") == 0)
		tensor_writer_put(&removal->writer, counts->tags,
				  removal->m * TENTHS * sizeof *counts->tags);
	else if (counts != NULL && strcmp(tensor->name, "tenths") == 0)
		tensor_writer_put(&removal->writer, counts->all,
				  sizeof counts->all);
	else
		row_order_put(&removal->order, &removal->writer, tensor);
}

static json_t *describe(const struct model *model, const char *version)
{
	json_t *metadata = row_tensors_metadata(&model->file);
	char id[17];

	metadata_set(metadata, "project.version", "%s", version);
	model_id(model, id);
	if (model->embedding == NULL)
		return metadata;
	metadata_set(metadata, "project.model", "%s", id);
	if (safetensors_option(&model->file, "forget.model") == NULL)
		metadata_set(metadata, "forget.model", "%s", id);
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

static void write_rows(const struct model *model, const bool *gone,
		       const struct row_counts *counts, json_t *metadata,
		       struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;
	const struct shard_file file = {model->input.name, &model->file,
					matrix};
	struct tensor *old = alloc(model->file.count, sizeof *old);
	struct tensor *tensors = alloc(model->file.count, sizeof *tensors);
	size_t rows, count = row_tensors_list(&model->file, old);
	struct shard_place *places = list_rows(matrix->n, gone, &rows);
	struct removal removal = {
		.m = matrix->m,
		.counts = counts,
		.order = row_order_make(&file, 1, places, rows)};

	for (size_t i = 0; i < count; i++) {
		tensors[i] = old[i];
		row_order_resize(&removal.order, &tensors[i]);
	}
	tensor_writer_begin(&removal.writer, output, metadata, tensors, count);
	for (size_t i = 0; i < count; i++)
		put_tensor(&removal, &old[i]);
	tensor_writer_end(&removal.writer);
	json_decref(metadata);
	free(places);
	free(tensors);
	free(old);
}

void row_removal_write(const struct model *model, const bool *gone,
		       const char *version, struct output *output)
{
	struct row_counts counts = {0};
	bool own = model_counts_its_own(model) && model->matrix.tenths != NULL;

	if (own) {
		row_counts_copy(&counts, &model->matrix);
		row_counts_subtract(&counts, &model->matrix, gone);
	}
	write_rows(model, gone, own ? &counts : NULL, describe(model, version),
		   output);
	free(counts.tags);
}

void row_removal_write_shard(const struct model *model, const bool *gone,
			     const struct row_counts *counts, const char *set,
			     const char *version, struct output *output)
{
	json_t *metadata = describe(model, version);

	metadata_set(metadata, "shard.set", "%s", set);
	write_rows(model, gone, counts, metadata, output);
}
