#include "evaluate/halves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/random.h"

/* ----------------------------------------------------------------- opening */

static const char *open_one(struct model *model, const char *path,
			    bool matrix_too, unsigned threads)
{
	const char *error = matrix_too ? model_open_any(model, path)
				       : model_open(model, path);

	if (error == NULL)
		error = safetensors_verify_all(&model->file, threads);
	for (size_t row = 0; error == NULL && row < model->matrix.n; row++) {
		error = csr_matrix_check_row(&model->matrix, row);
		if (error == NULL && model->matrix.tenth[row] >= 10)
			error = error_text("row %zu is damaged: tenth %u", row,
					   model->matrix.tenth[row]);
	}
	for (size_t i = 0; error == NULL && i < model->matrix.n * model->k; i++)
		if (!isfinite(model->embedding[i]))
			error = error_text("row %zu of the embedding is not "
					   "finite",
					   i / model->k);
	return error == NULL ? NULL
			     : error_text("%s: %s", model->input.name, error);
}

static bool same_tensor(const struct model *a, const struct model *b,
			const char *name)
{
	const struct tensor *x = safetensors_find(&a->file, name);
	const struct tensor *y = safetensors_find(&b->file, name);

	return x != NULL && y != NULL && x->size == y->size &&
	       memcmp(x->bytes, y->bytes, x->size) == 0;
}

/* Half B was folded into this model, or it has columns of its own. */
static const char *compare_columns(struct half_pair *pair)
{
	const char *as = safetensors_option(&pair->held.file, "matrix.as");
	bool same = same_tensor(&pair->model, &pair->held, "tags.offsets") &&
		    same_tensor(&pair->model, &pair->held, "tags.bytes") &&
		    same_tensor(&pair->model, &pair->held, "tags.weight");

	pair->same_columns = as != NULL && same;
	if (as != NULL && !same)
		return error_text("%s: it was folded into another model than "
				  "%s: make it by cs-matrix --as %s",
				  pair->held.input.name, pair->model.input.name,
				  pair->model.input.name);
	return NULL;
}

const char *half_pair_open(struct half_pair *pair, const char *model,
			   const char *held, unsigned threads)
{
	const char *error;

	*pair = (struct half_pair){0};
	error = open_one(&pair->model, model, false, threads);
	if (error == NULL)
		error = open_one(&pair->held, held, true, threads);
	if (error == NULL)
		error = compare_columns(pair);
	return error;
}

const char *half_pair_open_models(struct half_pair *old, struct half_pair *new,
				  const char *old_path, const char *new_path,
				  unsigned threads)
{
	const char *error;

	*old = (struct half_pair){0};
	error = open_one(&old->model, old_path, false, threads);
	if (error == NULL)
		error = open_one(&old->held, new_path, false, threads);
	*new = (struct half_pair){
		.model = old->held, .held = old->model, .borrowed = true};
	return error;
}

void half_pair_close(struct half_pair *pair)
{
	if (!pair->borrowed) {
		model_close(&pair->model);
		model_close(&pair->held);
	}
	free(pair->row_a);
	free(pair->row_b);
	free(pair->inverse_a);
	free(pair->inverse_b);
}

/* -------------------------------------------------------------- population */

/* 1 / length of a row, 0 for a row of zeros. */
static double inverse_length(const struct csr_matrix *matrix, size_t row)
{
	double square = 0;

	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		square += (double)matrix->values[i] * (double)matrix->values[i];
	return square > 0 ? 1 / sqrt(square) : 0;
}

static void make_rows(struct half_pair *pair, size_t n)
{
	pair->row_a = alloc(n + 1, sizeof *pair->row_a);
	pair->row_b = alloc(n + 1, sizeof *pair->row_b);
	pair->inverse_a = alloc(n + 1, sizeof *pair->inverse_a);
	pair->inverse_b = alloc(n + 1, sizeof *pair->inverse_b);
}

/* The row of a name, and what its values are multiplied with. */
static void set_row(const struct csr_matrix *matrix, const char *name,
		    size_t length, uint32_t *row, double *inverse)
{
	size_t found = text_array_find(&matrix->users, name, length);

	*inverse = found == SIZE_MAX ? 0 : inverse_length(matrix, found);
	*row = *inverse > 0 ? (uint32_t)found : HALVES_NO_ROW;
}

static void set_customer(struct half_pair *pair, size_t i, const char *name,
			 size_t length)
{
	set_row(&pair->model.matrix, name, length, &pair->row_a[i],
		&pair->inverse_a[i]);
	set_row(&pair->held.matrix, name, length, &pair->row_b[i],
		&pair->inverse_b[i]);
}

/* How many tags of the row of half B the row of half A has, too. */
static size_t common_tags(const struct csr_matrix *a, size_t row_a,
			  const struct csr_matrix *b, size_t row_b)
{
	int64_t i = a->indptr[row_a], j = b->indptr[row_b];
	size_t common = 0;

	while (i < a->indptr[row_a + 1] && j < b->indptr[row_b + 1]) {
		int32_t x = a->indices[i], y = b->indices[j];
		common += x == y;
		i += x <= y;
		j += y <= x;
	}
	return common;
}

static double share_repeated(const struct population *population,
			     const struct half_pair *pair)
{
	const struct csr_matrix *a = &pair->model.matrix;
	const struct csr_matrix *b = &pair->held.matrix;
	size_t common = 0, all = 0;

	if (!pair->same_columns)
		return 0;
	for (size_t i = 0; i < population->n; i++) {
		size_t row = pair->row_b[i];
		common += common_tags(a, pair->row_a[i], b, row);
		all += (size_t)(b->indptr[row + 1] - b->indptr[row]);
	}
	return (double)common / (double)all;
}

struct drawn {
	uint64_t hash;
	uint32_t customer;
};

static int by_hash(const void *a, const void *b)
{
	const struct drawn *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->customer > y->customer) - (x->customer < y->customer);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void draw_queries(struct population *population, size_t limit,
			 uint64_t seed)
{
	size_t n = population->n, count = n < limit ? n : limit;
	struct drawn *drawn = alloc(n, sizeof *drawn);

	for (size_t i = 0; i < n; i++)
		drawn[i] = (struct drawn){random_bits(seed, i), (uint32_t)i};
	qsort(drawn, n, sizeof *drawn, by_hash);
	population->queries = alloc(count, sizeof *population->queries);
	population->query_count = count;
	for (size_t i = 0; i < count; i++)
		population->queries[i] = drawn[i].customer;
	qsort(population->queries, count, sizeof *population->queries,
	      by_number);
	free(drawn);
}

const char *population_find(struct population *population,
			    struct half_pair *pair, size_t limit, uint64_t seed)
{
	const struct csr_matrix *a = &pair->model.matrix;
	size_t n = 0, length;

	*population = (struct population){0};
	if (a->n >= UINT32_MAX || pair->held.matrix.n >= UINT32_MAX)
		return error_text("more than 2^32 - 2 customers");
	make_rows(pair, a->n);
	population->tenth = alloc(a->n + 1, 1);
	for (size_t row = 0; row < a->n; row++) {
		const char *name = text_array_at(&a->users, row, &length);
		set_customer(pair, n, name, length);
		if (pair->row_a[n] == HALVES_NO_ROW ||
		    pair->row_b[n] == HALVES_NO_ROW)
			continue;
		population->tenth[n] = a->tenth[row];
		population->tenth_size[a->tenth[row]]++;
		n++;
	}
	population->n = n;
	population->only_a = a->n - n;
	population->only_b = pair->held.matrix.n - n;
	if (n < 2)
		return error_text("%s, %s: %zu customers have tags with weight "
				  "in both: at least 2 are needed",
				  pair->model.input.name, pair->held.input.name,
				  n);
	population->repeated = share_repeated(population, pair);
	draw_queries(population, limit, seed);
	return NULL;
}

void population_match(const struct population *population,
		      const struct half_pair *first, struct half_pair *pair)
{
	const struct text_array *users = &first->model.matrix.users;
	size_t length;

	make_rows(pair, population->n);
	for (size_t i = 0; i < population->n; i++) {
		const char *name =
			text_array_at(users, first->row_a[i], &length);
		set_customer(pair, i, name, length);
	}
}

void population_free(struct population *population)
{
	free(population->tenth);
	free(population->queries);
	*population = (struct population){0};
}
