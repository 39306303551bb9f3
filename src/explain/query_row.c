#include "explain/query_row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "model/weighting.h"
#include "search/combined_score.h"
#include "search/dot_kernels.h"

/* What the one row's model points to. */
struct query_row_storage {
	int64_t indptr[2], name_offsets[2];
	int32_t *indices; /* room for the entries, as are values and raw */
	float *values, *raw;
	float *embedding; /* k */
	unsigned char tenth;
};

/* Give the query room for a row of so many entries. */
static struct query_row_storage *add_storage(struct query_row *query,
					     size_t room)
{
	struct query_row_storage *storage = alloc(1, sizeof *storage);

	storage->indices = alloc(room, sizeof *storage->indices);
	storage->values = alloc(room, sizeof *storage->values);
	storage->raw = alloc(room, sizeof *storage->raw);
	storage->embedding = alloc(query->model.k, sizeof(float));
	query->storage = storage;
	return storage;
}

/* Let the model have the stored row alone, of so many entries. */
static void attach(struct query_row *query, size_t entries, const char *name)
{
	struct query_row_storage *storage = query->storage;
	struct csr_matrix *matrix = &query->model.matrix;

	storage->indptr[1] = (int64_t)entries;
	storage->name_offsets[1] = (int64_t)strlen(name);
	matrix->n = 1;
	matrix->nnz = entries;
	matrix->indptr = storage->indptr;
	matrix->indices = storage->indices;
	matrix->values = storage->values;
	matrix->raw = storage->raw;
	matrix->tenth = &storage->tenth;
	matrix->users = (struct text_array){storage->name_offsets,
					    (const unsigned char *)name, 1};
	query->model.embedding = storage->embedding;
}

void query_row_free(struct query_row *query)
{
	struct query_row_storage *storage = query->storage;

	if (storage != NULL) {
		free(storage->indices);
		free(storage->values);
		free(storage->raw);
		free(storage->embedding);
		free(storage);
	}
	*query = (struct query_row){0};
}

/* ------------------------------------------------------------ new customer */

/* Find the tags that the model has, ascending; query->known of them. */
static struct matrix_entry *find_tags(struct query_row *query,
				      const struct fold_in *fold,
				      const struct named_tag_value *tags,
				      size_t count)
{
	const struct text_array *names = &fold->model.matrix.tags;
	struct matrix_entry *known = alloc(count, sizeof *known);

	for (size_t i = 0; i < count; i++) {
		size_t tag =
			text_array_find(names, tags[i].tag, tags[i].length);
		/* A flag is 1, whatever is said. */
		double raw = fold->value == VALUE_ONE ? 1 : tags[i].value;

		if (tag != SIZE_MAX)
			known[query->known++] =
				(struct matrix_entry){(int32_t)tag, raw};
		else if (query->unknown == NULL)
			query->unknown = tags[i].tag;
	}
	matrix_entry_sort(known, query->known);
	return known;
}

static void weight_row(struct query_row_storage *storage,
		       const struct fold_in *fold,
		       const struct matrix_entry *known, size_t count)
{
	double *values = alloc(count, sizeof *values);
	uint64_t active = 0;

	weighting_row(fold->damp, fold->norm, fold->model.matrix.weight, known,
		      count, values);
	for (size_t i = 0; i < count; i++) {
		storage->indices[i] = known[i].column;
		storage->values[i] = (float)values[i];
		storage->raw[i] = (float)known[i].raw;
		active += storage->raw[i] > 0 &&
			  !fold_in_is_attribute(fold, (size_t)known[i].column);
	}
	storage->tenth = fold_in_tenth(fold, active);
	free(values);
}

void query_row_fold_in(struct query_row *query, const struct fold_in *fold,
		       const struct projection *projection,
		       const struct named_tag_value *tags, size_t count)
{
	struct matrix_entry *known;
	double *t = alloc_aligned(projection->ld, sizeof *t);

	*query = (struct query_row){.model = fold->model};
	/* The fold's model need not have an embedding. */
	query->model.k = projection->k;
	known = find_tags(query, fold, tags, count);
	weight_row(add_storage(query, query->known), fold, known, query->known);
	attach(query, query->known, "");
	projection_row(projection, &query->model.matrix, 0, t);
	projection_scale(projection, &query->model.matrix, 0, t,
			 query->storage->embedding);
	free(known);
	free(t);
}

/* ------------------------------------------------------- group of customers */

/* Sums over the customers. */
struct mean_sums {
	bool by_rows;         /* lengths are those of rows, not embeddings */
	double *embedding;    /* k: of x / length */
	double *values, *raw; /* m: of a / length, and of the raw values */
	double weight;        /* of 1 / length */
};

/* Add a row, unless its vector is zero. */
static const char *add_customer(struct query_row *query, struct mean_sums *sums,
				const struct sharded_model *shards, size_t row)
{
	const struct model *model =
		sharded_model_resolve(shards, &shards->whole, &row);
	const struct csr_matrix *matrix = &model->matrix;
	const float *x = model->embedding + row * model->k;
	const char *error = csr_matrix_check_row(matrix, row);

	if (error != NULL)
		return error;
	size_t begin = (size_t)matrix->indptr[row];
	double length = sqrt(
		sums->by_rows
			? row_square(matrix->values + begin,
				     (size_t)matrix->indptr[row + 1] - begin)
			: dot_square_norm(x, model->k));
	if (length == 0)
		return NULL;
	for (size_t j = 0; j < model->k; j++)
		sums->embedding[j] += (double)x[j] / length;
	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1];
	     i++) {
		int32_t tag = matrix->indices[i];
		sums->values[tag] += (double)matrix->values[i] / length;
		sums->raw[tag] += (double)matrix->raw[i];
	}
	sums->weight += 1 / length;
	query->customers++;
	return NULL;
}

/* Set the row to the sums divided by the number of customers. */
static void set_mean(struct query_row *query, const struct mean_sums *sums,
		     const char *name)
{
	struct model *model = &query->model;
	size_t m = model->matrix.m, used = 0;
	struct query_row_storage *storage = add_storage(query, m);
	double count = (double)query->customers;

	for (size_t tag = 0; tag < m; tag++) {
		if (sums->values[tag] == 0 && sums->raw[tag] == 0)
			continue;
		storage->indices[used] = (int32_t)tag;
		storage->values[used] = (float)(sums->values[tag] / count);
		storage->raw[used++] = (float)(sums->raw[tag] / count);
	}
	for (size_t j = 0; j < model->k; j++)
		storage->embedding[j] = (float)(sums->embedding[j] / count);
	attach(query, used, name);
	model->shift = sums->weight / count;
}

const char *query_row_mean(struct query_row *query,
			   const struct sharded_model *shards,
			   enum metric metric, const uint64_t *customers,
			   const char *name)
{
	const struct model *model = &shards->whole;
	size_t m = model->matrix.m;
	const char *error = NULL;
	struct mean_sums sums = {
		.by_rows = metric_compares_rows(metric),
		.embedding = alloc(model->k, sizeof(double)),
		.values = alloc(m, sizeof(double)),
		.raw = alloc(m, sizeof(double)),
	};

	*query = (struct query_row){.model = *model};
	for (size_t row = 0; row < model->matrix.n && error == NULL; row++)
		if (bitset_test(customers, row))
			error = add_customer(query, &sums, shards, row);
	if (error == NULL && query->customers > 0)
		set_mean(query, &sums, name);
	free(sums.embedding);
	free(sums.values);
	free(sums.raw);
	return error;
}
