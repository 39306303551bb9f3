#include "linalg/projection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"

/* Rows are embedded in batches, of at most so many bytes of t; threads divide a
 * batch into pieces of PIECE rows. */
enum { BATCH_BYTES = 4 << 20, PIECE = 128 };

/* Larger blocks do not fit in the second-level cache: rows are prefetched. */
enum { CACHED_BYTES = 1 << 20 };

void projection_begin(struct projection *projection,
		      const struct truncated_svd *svd, size_t m,
		      enum scale scale, enum center center, const double *mean)
{
	*projection = (struct projection){
		.set = block_kernels_best(),
		.center = center,
		.m = m,
		.k = svd->k,
		.ld = svd->ld,
		.components = svd->components,
		.mean = center == CENTER_COLUMN ? mean : NULL};
	projection->scales = alloc(projection->ld, sizeof *projection->scales);
	projection->ones = alloc(projection->ld, sizeof *projection->ones);
	projection->shift = alloc(projection->ld, sizeof *projection->shift);
	for (size_t j = 0; j < projection->k; j++)
		projection->scales[j] = scale == SCALE_US ? 1
					: scale == SCALE_SQRT
						? 1 / sqrt(svd->sigma[j])
						: 1 / svd->sigma[j];
	for (size_t i = 0; i < m && center != CENTER_NONE; i++)
		for (size_t j = 0; j < projection->k; j++) {
			double v =
				projection->components[i * projection->ld + j];
			projection->ones[j] += v;
			if (center == CENTER_COLUMN)
				projection->shift[j] += mean[i] * v;
		}
}

void projection_model(struct projection *projection, const struct model *model)
{
	size_t m = model->matrix.m, k = model->k;
	struct truncated_svd svd = {.k = k,
				    .ld = (k + BLOCK_COLUMNS - 1) /
					  BLOCK_COLUMNS * BLOCK_COLUMNS};
	double *padded =
		alloc_aligned(alloc_product(m, svd.ld), sizeof *svd.components);

	memset(padded, 0, m * svd.ld * sizeof *padded);
	for (size_t i = 0; i < m; i++)
		memcpy(padded + i * svd.ld, model->components + i * k,
		       k * sizeof *padded);
	svd.components = padded;
	svd.sigma = alloc(k, sizeof *svd.sigma);
	memcpy(svd.sigma, model->sigma, k * sizeof *svd.sigma);
	projection_begin(projection, &svd, m, model->scale, model->center,
			 model->mean);
	projection->owned_components = padded;
	free(svd.sigma);
}

void projection_end(struct projection *projection)
{
	free(projection->owned_components);
	free(projection->scales);
	free(projection->ones);
	free(projection->shift);
	*projection = (struct projection){0};
}

double projection_row(const struct projection *projection,
		      const struct csr_matrix *a, size_t row, double *t)
{
	double sum = 0, mean;

	projection->set->rows.row_product(a, row, projection->components,
					  projection->ld, t);
	if (projection->center == CENTER_ROW) {
		for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++)
			sum += (double)a->values[i];
		mean = sum / (double)projection->m;
		for (size_t j = 0; j < projection->ld; j++)
			t[j] -= mean * projection->ones[j];
		return mean;
	}
	if (projection->center == CENTER_COLUMN)
		for (size_t j = 0; j < projection->ld; j++)
			t[j] -= projection->shift[j];
	return 1;
}

void projection_scale(const struct projection *projection,
		      const struct csr_matrix *a, size_t row, const double *t,
		      float *to)
{
	if (csr_matrix_has_weight(a, row))
		for (size_t j = 0; j < projection->k; j++)
			to[j] = (float)(t[j] * projection->scales[j]);
	else
		memset(to, 0, projection->k * sizeof *to);
}

/* -------------------------------------------------------------- all rows */

struct batch {
	const struct projection *projection;
	const struct csr_matrix *a;
	size_t first, count; /* rows */
	double *t;           /* count x ld */
	double *means;       /* count: what projection_row returned */
	float *rows;         /* count x k */
	double *y;           /* ld / BLOCK_COLUMNS blocks of m rows, or NULL */
	double *correction;  /* ld: the correction of Y for centring */
	bool prefetch;
};

static void embed_piece(void *shared, size_t piece, unsigned thread)
{
	struct batch *batch = shared;
	const struct projection *projection = batch->projection;
	size_t end = (piece + 1) * PIECE;

	(void)thread;
	if (end > batch->count)
		end = batch->count;
	for (size_t i = piece * PIECE; i < end; i++) {
		double *t = batch->t + i * projection->ld;
		batch->means[i] = projection_row(projection, batch->a,
						 batch->first + i, t);
		projection_scale(projection, batch->a, batch->first + i, t,
				 batch->rows + i * projection->k);
	}
}

/* Y += A^T T for one block of Y.  One thread works on a block, in the order of
 * rows: sums do not depend on the number of threads. */
static void add_transposed_block(void *shared, size_t block, unsigned thread)
{
	struct batch *batch = shared;
	const struct projection *projection = batch->projection;
	size_t ld = projection->ld;
	const double *t = batch->t + block * BLOCK_COLUMNS;
	double *correction = batch->correction + block * BLOCK_COLUMNS;

	(void)thread;
	projection->set->rows.add_transposed_product(
		batch->a, batch->first, batch->first + batch->count, t, ld,
		batch->y + block * BLOCK_COLUMNS * projection->m,
		batch->prefetch);
	if (projection->center == CENTER_NONE)
		return;
	for (size_t i = 0; i < batch->count; i++)
		for (size_t j = 0; j < BLOCK_COLUMNS; j++)
			correction[j] += batch->means[i] * t[i * ld + j];
}

/* The correction for centring: B^T T = A^T T - 1 (mu^T T) for rows, with means
 * mu; A^T T - mean (1^T T) for columns. */
static void subtract_correction(struct batch *batch)
{
	const double *mean = batch->projection->mean;
	size_t m = batch->projection->m;

	for (size_t s = 0; s < batch->projection->ld / BLOCK_COLUMNS; s++)
		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < BLOCK_COLUMNS; j++)
				batch->y[(s * m + i) * BLOCK_COLUMNS + j] -=
					batch->correction[s * BLOCK_COLUMNS +
							  j] *
					(mean != NULL ? mean[i] : 1);
}

static void begin_batches(struct batch *batch, size_t rows)
{
	const struct projection *projection = batch->projection;

	batch->prefetch =
		projection->m * BLOCK_COLUMNS * sizeof(double) > CACHED_BYTES;
	batch->t = alloc_aligned(alloc_product(rows, projection->ld),
				 sizeof *batch->t);
	batch->rows = alloc_resize(NULL, alloc_product(rows, projection->k),
				   sizeof *batch->rows);
	batch->means = alloc(rows, sizeof *batch->means);
	batch->correction = alloc(projection->ld, sizeof *batch->correction);
	if (batch->y != NULL)
		memset(batch->y, 0,
		       projection->m * projection->ld * sizeof *batch->y);
}

static void end_batches(struct batch *batch)
{
	free(batch->t);
	free(batch->rows);
	free(batch->means);
	free(batch->correction);
}

void projection_embed_all(const struct projection *projection,
			  const struct csr_matrix *a, unsigned threads,
			  double *y,
			  void (*write)(void *context, size_t first,
					size_t count, const float *rows),
			  void *context)
{
	struct batch batch = {.projection = projection, .a = a, .y = y};
	size_t rows = BATCH_BYTES / (projection->ld * sizeof(double));

	rows = rows < PIECE ? PIECE : rows / PIECE * PIECE;
	begin_batches(&batch, rows);
	for (size_t row = 0; row < a->n; row += rows) {
		batch.first = row;
		batch.count = a->n - row < rows ? a->n - row : rows;
		thread_pool_run(threads, (batch.count + PIECE - 1) / PIECE,
				embed_piece, &batch);
		if (y != NULL)
			thread_pool_run(threads, projection->ld / BLOCK_COLUMNS,
					add_transposed_block, &batch);
		write(context, row, batch.count, batch.rows);
	}
	if (y != NULL && projection->center != CENTER_NONE)
		subtract_correction(&batch);
	end_batches(&batch);
}
