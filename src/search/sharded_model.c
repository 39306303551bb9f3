#include "search/sharded_model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "model/captured.h"

const char *sharded_model_compare(const struct model *model,
				  const struct model *other)
{
	static const char *const same[] = {"tags.offsets", "tags.bytes",
					   "tags.mean", "components", "sigma"};
	bool equal =
		model->scale == other->scale && model->center == other->center;

	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		const struct tensor *a =
			safetensors_find(&model->file, same[i]);
		const struct tensor *b =
			safetensors_find(&other->file, same[i]);

		equal = equal && (a == NULL) == (b == NULL) &&
			(a == NULL ||
			 (a->size == b->size &&
			  memcmp(a->bytes, b->bytes, a->size) == 0));
	}
	if (equal)
		return NULL;
	return error_text("%s: its components are not those of %s: project its "
			  "customers into that (cs-project)",
			  other->input.name, model->input.name);
}

/* Open file i and view its index. */
static const char *open_shard(struct sharded_model *shards, size_t i,
			      const char *path,
			      const char *(*open)(struct model *, const char *))
{
	struct model *model = &shards->models[i];
	const char *error = open(model, path);

	if (error == NULL && ivf_index_exists(model))
		error = ivf_index_view(&shards->indexes[i], model);
	if (error != NULL)
		return error_text("%s: %s", model->input.name, error);
	return NULL;
}

/* At every allocation shards can be closed (base/recovery.h). */
static void allocate_models(struct sharded_model *shards, size_t count)
{
	shards->models = alloc(count, sizeof *shards->models);
	shards->count = count;
	shards->indexes = alloc(count, sizeof *shards->indexes);
}

const char *sharded_model_open_copy(struct sharded_model *shards,
				    const char *path)
{
	const char *error;

	*shards = (struct sharded_model){0};
	allocate_models(shards, 1);
	error = open_shard(shards, 0, path, model_open_copy);
	shards->whole = shards->models[0];
	return error;
}

static const char *open_all(struct sharded_model *shards, char *const *paths)
{
	const char *error = NULL;

	for (size_t i = 0; i < shards->count && error == NULL; i++) {
		error = open_shard(shards, i, paths != NULL ? paths[i] : NULL,
				   model_open);
		if (error == NULL && i > 0)
			error = sharded_model_compare(&shards->models[0],
						      &shards->models[i]);
	}
	return error;
}

/* The files as model/shard_files has them; free() them. */
static struct shard_file *view_files(const struct sharded_model *shards)
{
	struct shard_file *views = alloc(shards->count, sizeof *views);

	for (size_t s = 0; s < shards->count; s++) {
		const struct model *model = &shards->models[s];

		views[s] = (struct shard_file){model->input.name, &model->file,
					       &model->matrix};
	}
	return views;
}

/* Whether all shards of a factorization are there. */
static const char *check_files(const struct sharded_model *shards)
{
	struct shard_file *views = view_files(shards);
	const char *error = shard_files_check(
		views, shards->count, &shards->files,
		": give the directory, or --part to search these alone");

	free(views);
	return error;
}

const char *sharded_model_open(struct sharded_model *shards,
			       char *const paths[], size_t count, bool part)
{
	const char *error;

	*shards = (struct sharded_model){0};
	error = shard_files_expand(&shards->files, paths, count);
	count = shards->files.count;
	allocate_models(shards, error == NULL && count > 0 ? count : 1);
	if (error == NULL)
		error = open_all(shards, shards->files.paths);
	if (error == NULL && !part)
		error = check_files(shards);
	shards->whole = shards->models[0];
	return error;
}

/* ----------------------------------------------------------------- joining */

/* Copy the name of a row of whole, and number the row in its file. */
static void place_row(struct sharded_model *shards, size_t row)
{
	struct shard_place at = shards->places[row];
	size_t length;
	const char *name = text_array_at(&shards->models[at.shard].matrix.users,
					 at.row, &length);

	memcpy(shards->bytes + shards->offsets[row], name, length);
	shards->offsets[row + 1] = shards->offsets[row] + (int64_t)length;
	shards->rows[at.shard][at.row] = (uint32_t)row;
}

/* Allocate the tables of all rows; returns how many there are. */
static size_t allocate(struct sharded_model *shards)
{
	size_t bytes = 0, n = 0;

	shards->rows = alloc(shards->count, sizeof *shards->rows);
	for (size_t s = 0; s < shards->count; s++) {
		const struct csr_matrix *matrix = &shards->models[s].matrix;

		n += matrix->n;
		bytes += (size_t)matrix->users.offsets[matrix->n];
		shards->rows[s] = alloc(matrix->n, sizeof **shards->rows);
	}
	shards->places = alloc(n, sizeof *shards->places);
	shards->offsets = alloc(n + 1, sizeof *shards->offsets);
	shards->bytes = alloc(bytes, 1);
	return n;
}

/* "a.bin and 2 more" */
static void name_whole(struct sharded_model *shards)
{
	const char *first = shards->models[0].input.name;
	size_t room = strlen(first) + 40;

	shards->name = alloc(room, 1);
	snprintf(shards->name, room, "%s and %zu more", first,
		 shards->count - 1);
	shards->whole.input.name = shards->name;
}

const char *sharded_model_join(struct sharded_model *shards)
{
	struct shard_file *views;
	const char *error;
	size_t n;

	if (shards->count <= 1)
		return NULL;
	name_whole(shards);
	n = allocate(shards);
	views = view_files(shards);
	error = shard_order_merge(views, shards->count, shards->places);
	free(views);
	for (size_t row = 0; row < n && error == NULL; row++)
		place_row(shards, row);
	shards->whole.matrix.n = n;
	shards->whole.matrix.users =
		(struct text_array){shards->offsets, shards->bytes, n};
	shards->whole.embedding = NULL;
	shards->whole.captured = NULL;
	return error;
}

void sharded_model_close(struct sharded_model *shards)
{
	for (size_t s = 0; s < shards->count; s++) {
		model_close(&shards->models[s]);
		if (shards->rows != NULL)
			free(shards->rows[s]);
	}
	for (size_t i = 0; shards->rows_by_tag != NULL && i < shards->count;
	     i++)
		inverted_index_free(&shards->rows_by_tag[i]);
	free(shards->rows_by_tag);
	combined_workspace_free(shards->workspace);
	free(shards->models);
	free(shards->indexes);
	free(shards->rows);
	free(shards->places);
	free(shards->offsets);
	free(shards->bytes);
	free(shards->name);
	shard_files_free(&shards->files);
	*shards = (struct sharded_model){0};
}

const struct model *sharded_model_resolve(const struct sharded_model *shards,
					  const struct model *model,
					  size_t *row)
{
	if (model != &shards->whole || shards->count == 1)
		return model;
	struct shard_place at = shards->places[*row];
	*row = at.row;
	return &shards->models[at.shard];
}

double sharded_model_captured(const struct sharded_model *shards,
			      const struct model *model, size_t row)
{
	float share;

	model = sharded_model_resolve(shards, model, &row);
	captured_shares(model, row, 1, model->embedding + row * model->k,
			&share);
	return (double)share;
}

const char *sharded_model_index_rows(struct sharded_model *shards,
				     unsigned threads)
{
	const char *error = NULL;

	if (shards->rows_by_tag != NULL)
		return NULL;
	shards->rows_by_tag = alloc(shards->count, sizeof *shards->rows_by_tag);
	for (size_t s = 0; s < shards->count && error == NULL; s++) {
		const struct model *model = &shards->models[s];

		error = inverted_index_build(&shards->rows_by_tag[s],
					     &model->matrix, model->embedding,
					     model->k, threads);
		if (error != NULL && shards->count > 1)
			error = error_text("%s: %s", model->input.name, error);
	}
	shards->workspace =
		combined_workspace_new(threads, shards->whole.matrix.m);
	return error;
}

const char *sharded_model_query(const struct sharded_model *shards,
				const struct model *model, size_t row,
				struct search_query *query)
{
	model = sharded_model_resolve(shards, model, &row);
	const char *error = csr_matrix_check_row(&model->matrix, row);

	if (error != NULL)
		return error;
	struct search_query taken = search_query_row(
		&model->matrix, model->embedding, model->k, row, ROW_NONE);
	query->vector = taken.vector;
	query->tags = taken.tags;
	query->values = taken.values;
	query->count = taken.count;
	return NULL;
}
