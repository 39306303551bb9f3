#include "explain/audience.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "search/dot_kernels.h"

/* Sums over the seeds. */
struct sums {
	double *embedding;    /* k */
	double *values, *raw; /* m */
	double weight;        /* of 1 / |x| */
};

/* Add a row, unless it has no signal. */
static const char *add(struct audience *audience, struct sums *sums,
		       const struct sharded_model *shards, size_t row)
{
	const struct model *model = sharded_model_at(shards, &row);
	const struct csr_matrix *matrix = &model->matrix;
	const float *x = model->embedding + row * model->k;
	double length = sqrt(dot_square_norm(x, model->k));
	const char *error = csr_matrix_check_row(matrix, row);

	if (error != NULL || length == 0)
		return error;
	for (size_t j = 0; j < model->k; j++)
		sums->embedding[j] += (double)x[j] / length;
	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1];
	     i++) {
		int32_t tag = matrix->indices[i];
		sums->values[tag] += (double)matrix->values[i] / length;
		sums->raw[tag] += (double)matrix->raw[i];
	}
	sums->weight += 1 / length;
	audience->seeds++;
	return NULL;
}

/* Make the row of the sums. */
static void settle(struct audience *audience, const struct sums *sums,
		   const char *name)
{
	struct model *model = &audience->model;
	size_t m = model->matrix.m, used = 0;
	double seeds = (double)audience->seeds;

	audience->indices = alloc(m, sizeof *audience->indices);
	audience->values = alloc(m, sizeof *audience->values);
	audience->raw = alloc(m, sizeof *audience->raw);
	audience->embedding = alloc(model->k, sizeof *audience->embedding);
	for (size_t tag = 0; tag < m; tag++) {
		if (sums->values[tag] == 0 && sums->raw[tag] == 0)
			continue;
		audience->indices[used] = (int32_t)tag;
		audience->values[used] = (float)(sums->values[tag] / seeds);
		audience->raw[used++] = (float)(sums->raw[tag] / seeds);
	}
	for (size_t j = 0; j < model->k; j++)
		audience->embedding[j] = (float)(sums->embedding[j] / seeds);
	audience->bounds[1] = (int64_t)used;
	audience->texts[1] = (int64_t)strlen(name);
	model->matrix.n = 1;
	model->matrix.nnz = used;
	model->matrix.indptr = audience->bounds;
	model->matrix.indices = audience->indices;
	model->matrix.values = audience->values;
	model->matrix.raw = audience->raw;
	model->matrix.users = (struct text_array){
		audience->texts, (const unsigned char *)name, 1};
	model->matrix.tenth = &audience->tenth;
	model->embedding = audience->embedding;
	model->shift = sums->weight / seeds;
}

const char *audience_make(struct audience *audience,
			  const struct sharded_model *shards,
			  const uint64_t *seeds, const char *name)
{
	const struct model *model = &shards->whole;
	size_t m = model->matrix.m;
	const char *error = NULL;
	struct sums sums = {
		.embedding = alloc(model->k, sizeof(double)),
		.values = alloc(m, sizeof(double)),
		.raw = alloc(m, sizeof(double)),
	};

	*audience = (struct audience){.model = *model};
	for (size_t row = 0; row < model->matrix.n && error == NULL; row++)
		if (bitset_test(seeds, row))
			error = add(audience, &sums, shards, row);
	if (error == NULL && audience->seeds > 0)
		settle(audience, &sums, name);
	free(sums.embedding);
	free(sums.values);
	free(sums.raw);
	return error;
}

void audience_free(struct audience *audience)
{
	free(audience->indices);
	free(audience->values);
	free(audience->raw);
	free(audience->embedding);
}
