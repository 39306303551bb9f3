/* projection: embeddings are rows times components, by dense arithmetic, for
 * every centring and scale, all at once, for any threads, or row by row. */
#include "linalg/projection.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "cases.h"
#include "small_model.h"

enum { CASES = 60 };

/* A random matrix with its components, as dense matrices too. */
struct data {
	size_t n, m, k;
	int64_t *indptr;
	int32_t *indices;
	float *values;
	struct csr_matrix matrix;
	struct truncated_svd svd;
	double *b;    /* n x m, centred */
	double *mean; /* m: of columns */
	enum center center;
	enum scale scale;
};

static void draw_matrix(struct data *data)
{
	size_t room = data->n * data->m, nnz = 0, density = 1 + chance(10);

	data->indptr = alloc(data->n + 1, sizeof *data->indptr);
	data->indices = alloc(room, sizeof *data->indices);
	data->values = alloc(room, sizeof *data->values);
	for (size_t i = 0; i < data->n; i++) {
		bool empty = chance(8) == 0;
		for (size_t j = 0; j < data->m && !empty; j++) {
			if (chance(density) != 0)
				continue;
			data->indices[nnz] = (int32_t)j;
			data->values[nnz] = (float)((int)chance(9) - 4) / 4;
			nnz++;
		}
		data->indptr[i + 1] = (int64_t)nnz;
	}
	data->matrix = (struct csr_matrix){.n = data->n,
					   .m = data->m,
					   .nnz = nnz,
					   .indptr = data->indptr,
					   .indices = data->indices,
					   .values = data->values,
					   .raw = data->values};
}

static void center(struct data *data)
{
	size_t n = data->n, m = data->m;

	data->b = alloc(n * m, sizeof *data->b);
	data->mean = alloc(m, sizeof *data->mean);
	for (size_t i = 0; i < n; i++)
		for (int64_t e = data->indptr[i]; e < data->indptr[i + 1]; e++)
			data->b[i * m + (size_t)data->indices[e]] =
				(double)data->values[e];
	for (size_t i = 0; i < n; i++) {
		double mean = 0;
		for (size_t j = 0; j < m; j++) {
			mean += data->b[i * m + j] / (double)m;
			data->mean[j] += data->b[i * m + j] / (double)n;
		}
		for (size_t j = 0; data->center == CENTER_ROW && j < m; j++)
			data->b[i * m + j] -= mean;
	}
	for (size_t i = 0; data->center == CENTER_COLUMN && i < n * m; i++)
		data->b[i] -= data->mean[i % m];
}

static struct data draw_data(void)
{
	struct data data = {.n = 1 + chance(300),
			    .m = 1 + chance(60),
			    .center = (enum center)chance(3),
			    .scale = (enum scale)chance(3)};

	data.k = 1 + chance(data.m);
	draw_matrix(&data);
	center(&data);
	data.svd.k = data.k;
	data.svd.ld =
		(data.k + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS * BLOCK_COLUMNS;
	data.svd.sigma = alloc(data.k, sizeof *data.svd.sigma);
	data.svd.components = alloc_aligned(data.m * data.svd.ld,
					    sizeof *data.svd.components);
	memset(data.svd.components, 0,
	       data.m * data.svd.ld * sizeof *data.svd.components);
	for (size_t j = 0; j < data.k; j++) {
		data.svd.sigma[j] = 1 + (double)chance(100);
		for (size_t i = 0; i < data.m; i++)
			data.svd.components[i * data.svd.ld + j] =
				random_normal(seed, counter++);
	}
	return data;
}

static void free_data(struct data *data)
{
	free(data->indptr);
	free(data->indices);
	free(data->values);
	free(data->b);
	free(data->mean);
	truncated_svd_free(&data->svd);
}

static bool is_zero(const struct data *data, size_t row)
{
	for (int64_t e = data->indptr[row]; e < data->indptr[row + 1]; e++)
		if (data->values[e] != 0)
			return false;
	return true;
}

/* b_row^T v_column, before it is scaled. */
static double plain(const struct data *data, size_t row, size_t column)
{
	double sum = 0;

	for (size_t j = 0; j < data->m; j++)
		sum += data->b[row * data->m + j] *
		       data->svd.components[j * data->svd.ld + column];
	return sum;
}

static double scaled(const struct data *data, size_t row, size_t column)
{
	double sigma = data->svd.sigma[column];

	if (is_zero(data, row))
		return 0;
	return plain(data, row, column) / (data->scale == SCALE_US ? 1
					   : data->scale == SCALE_U
						   ? sigma
						   : sqrt(sigma));
}

/* What projection_embed_all writes. */
struct written {
	float *rows;
	size_t k, next;
	bool in_order;
};

static void take_rows(void *context, size_t first, size_t count,
		      const float *rows)
{
	struct written *written = context;

	written->in_order = written->in_order && first == written->next;
	memcpy(written->rows + first * written->k, rows,
	       count * written->k * sizeof *rows);
	written->next = first + count;
}

static int check_rows(const struct data *data,
		      const struct projection *projection,
		      const struct written *written)
{
	double *t = alloc_aligned(projection->ld, sizeof *t);
	float *row = alloc(data->k, sizeof *row);
	int failed = 0;

	if (!written->in_order || written->next != data->n)
		failed |= fail("rows are missing or out of order");
	for (size_t i = 0; i < data->n; i++) {
		projection_row(projection, &data->matrix, i, t);
		projection_scale(projection, &data->matrix, i, t, row);
		if (memcmp(row, written->rows + i * data->k,
			   data->k * sizeof *row) != 0)
			failed |= fail("one row has other bytes than all");
		for (size_t j = 0; j < data->k; j++)
			if (fabs((double)row[j] - scaled(data, i, j)) >
			    1e-5 * (1 + fabs(scaled(data, i, j))))
				failed |= fail("another embedding");
	}
	free(row);
	free(t);
	return failed;
}

/* y is B^T (B V), in blocks. */
static int check_product(const struct data *data, const double *y)
{
	int failed = 0;

	for (size_t j = 0; j < data->k; j++)
		for (size_t c = 0; c < data->m; c++) {
			double sum = 0, found = y[(j / BLOCK_COLUMNS * data->m +
						   c) * BLOCK_COLUMNS +
						  j % BLOCK_COLUMNS];
			for (size_t i = 0; i < data->n; i++)
				sum += data->b[i * data->m + c] *
				       plain(data, i, j);
			if (fabs(found - sum) > 1e-9 * (1 + fabs(sum)))
				failed |= fail("another product");
		}
	return failed;
}

static int run_case(void)
{
	struct data data = draw_data();
	struct projection projection;
	struct written first = {.in_order = true, .k = data.k}, second = first;
	double *y = alloc_aligned(data.m * data.svd.ld, sizeof *y);
	int failed = 0;

	first.rows = alloc(data.n * data.k, sizeof *first.rows);
	second.rows = alloc(data.n * data.k, sizeof *second.rows);
	projection_begin(&projection, &data.svd, data.m, data.scale,
			 data.center, data.mean);
	projection_embed_all(&projection, &data.matrix, 1, y, take_rows,
			     &first);
	projection_embed_all(&projection, &data.matrix, 3, NULL, take_rows,
			     &second);
	failed |= check_rows(&data, &projection, &first);
	failed |= check_product(&data, y);
	if (memcmp(first.rows, second.rows,
		   data.n * data.k * sizeof *first.rows) != 0)
		failed |= fail("other bytes with other threads");
	projection_end(&projection);
	free(second.rows);
	free(first.rows);
	free(y);
	free_data(&data);
	return failed;
}

/* A model's own rows get its embedding. */
static int check_model(void)
{
	struct model model = small_model();
	struct projection projection;
	float rows[SMALL_CUSTOMERS * SMALL_K];
	struct written written = {rows, SMALL_K, 0, true};

	projection_model(&projection, &model);
	projection_embed_all(&projection, &model.matrix, 1, NULL, take_rows,
			     &written);
	projection_end(&projection);
	return memcmp(rows, model.embedding, sizeof rows) != 0
		       ? fail("another embedding of the model")
		       : 0;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case) | check_model();
}
