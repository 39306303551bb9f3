#include "search/sharded_model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/string_table.h"
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
		error = shard_files_check(shards->models, shards->count);
	shards->whole = shards->models[0];
	return error;
}

/* ----------------------------------------------------------------- joining */

static const char *name_at(const struct sharded_model *shards, size_t shard,
			   size_t row, size_t *length)
{
	return text_array_at(&shards->models[shard].matrix.users, row, length);
}

/* The file whose next row, after those taken, has the first name in byte order.
 */
static size_t first_shard(const struct sharded_model *shards,
			  const size_t *taken)
{
	size_t best = SIZE_MAX, best_length = 0;
	const char *best_name = NULL;

	for (size_t s = 0; s < shards->count; s++) {
		size_t length;

		if (taken[s] == shards->models[s].matrix.n)
			continue;
		const char *name = name_at(shards, s, taken[s], &length);
		if (best == SIZE_MAX ||
		    string_table_compare(name, length, best_name, best_length) <
			    0) {
			best = s;
			best_name = name;
			best_length = length;
		}
	}
	return best;
}

/* Number a file's row as row of whole; its name must follow that of the row
 * before. */
static const char *place_row(struct sharded_model *shards, size_t row,
			     size_t shard, size_t own)
{
	size_t length, last = 0;
	const char *name = name_at(shards, shard, own, &length);
	unsigned char *to = shards->bytes + shards->offsets[row];

	if (row > 0)
		last = (size_t)(shards->offsets[row] -
				shards->offsets[row - 1]);
	if (row > 0 && string_table_compare(name, length,
					    (const char *)to - last, last) <= 0)
		return error_text(
			"%s: customer %.*s is in another file too, or "
			"out of order",
			shards->models[shard].input.name, (int)length, name);
	memcpy(to, name, length);
	shards->offsets[row + 1] = shards->offsets[row] + (int64_t)length;
	shards->places[row] =
		(struct shard_place){(uint32_t)shard, (uint32_t)own};
	shards->rows[shard][own] = (uint32_t)row;
	return NULL;
}

/* Allocate the tables of all rows; false if there are too many rows. */
static bool allocate(struct sharded_model *shards, size_t *n)
{
	size_t bytes = 0;

	*n = 0;
	shards->rows = alloc(shards->count, sizeof *shards->rows);
	for (size_t s = 0; s < shards->count; s++) {
		const struct csr_matrix *matrix = &shards->models[s].matrix;

		*n += matrix->n;
		bytes += (size_t)matrix->users.offsets[matrix->n];
		shards->rows[s] = alloc(matrix->n, sizeof **shards->rows);
	}
	shards->places = alloc(*n, sizeof *shards->places);
	shards->offsets = alloc(*n + 1, sizeof *shards->offsets);
	shards->bytes = alloc(bytes, 1);
	return *n <= UINT32_MAX;
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
	size_t *taken = alloc(shards->count, sizeof *taken), n;
	const char *error = NULL;

	if (shards->count > 1) {
		name_whole(shards);
		if (!allocate(shards, &n))
			error = "more than 4,294,967,295 customers";
		for (size_t row = 0; row < n && error == NULL; row++) {
			size_t shard = first_shard(shards, taken);

			error = place_row(shards, row, shard, taken[shard]++);
		}
		shards->whole.matrix.n = n;
		shards->whole.matrix.users =
			(struct text_array){shards->offsets, shards->bytes, n};
		shards->whole.embedding = NULL;
		shards->whole.captured = NULL;
	}
	free(taken);
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
	struct combined_query taken = combined_query_row(
		&model->matrix, model->embedding, model->k, row, ROW_NONE);
	query->vector = taken.vector;
	query->tags = taken.tags;
	query->values = taken.values;
	query->count = taken.count;
	return NULL;
}
