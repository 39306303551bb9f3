#include "linalg/projection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"

/* Rows are worked on in batches of at most these bytes of t, and a batch by
 * threads in pieces of PIECE rows. */
enum { BATCH_BYTES = 4 << 20, PIECE = 128 };

/* Above this many bytes a strip is far: the second cache does not hold it. */
enum { NEAR_BYTES = 1 << 20 };

void projection_begin(struct projection *embed,
		      const struct truncated_svd *factor, size_t m,
		      enum scale scale, enum center center, const double *mean)
{
	*embed = (struct projection){.set = block_kernels_best(),
				     .center = center,
				     .m = m,
				     .k = factor->k,
				     .ld = factor->ld,
				     .components = factor->components,
				     .mean = center == CENTER_COLUMN ? mean
								     : NULL};
	embed->scales = alloc(embed->ld, sizeof *embed->scales);
	embed->ones = alloc(embed->ld, sizeof *embed->ones);
	embed->shift = alloc(embed->ld, sizeof *embed->shift);
	for (size_t j = 0; j < embed->k; j++)
		embed->scales[j] = scale == SCALE_US ? 1
				   : scale == SCALE_SQRT
					   ? 1 / sqrt(factor->sigma[j])
					   : 1 / factor->sigma[j];
	for (size_t i = 0; i < m && center != CENTER_NONE; i++)
		for (size_t j = 0; j < embed->k; j++) {
			double v = embed->components[i * embed->ld + j];
			embed->ones[j] += v;
			if (center == CENTER_COLUMN)
				embed->shift[j] += mean[i] * v;
		}
}

void projection_model(struct projection *embed, const struct model *model)
{
	size_t m = model->matrix.m, k = model->k;
	struct truncated_svd factor = {.k = k,
				       .ld = (k + BLOCK_COLUMNS - 1) /
					     BLOCK_COLUMNS * BLOCK_COLUMNS};
	double *filled = alloc_aligned(alloc_product(m, factor.ld),
				       sizeof *factor.components);

	memset(filled, 0, m * factor.ld * sizeof *filled);
	for (size_t i = 0; i < m; i++)
		memcpy(filled + i * factor.ld, model->components + i * k,
		       k * sizeof *filled);
	factor.components = filled;
	factor.sigma = alloc(k, sizeof *factor.sigma);
	memcpy(factor.sigma, model->sigma, k * sizeof *factor.sigma);
	projection_begin(embed, &factor, m, model->scale, model->center,
			 model->mean);
	embed->filled = filled;
	free(factor.sigma);
}

void projection_end(struct projection *embed)
{
	free(embed->filled);
	free(embed->scales);
	free(embed->ones);
	free(embed->shift);
	*embed = (struct projection){0};
}

double projection_row(const struct projection *embed,
		      const struct csr_matrix *a, size_t row, double *t)
{
	double sum = 0, mean;

	embed->set->rows.gather(a, row, embed->components, embed->ld, t);
	if (embed->center == CENTER_ROW) {
		for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++)
			sum += (double)a->values[i];
		mean = sum / (double)embed->m;
		for (size_t j = 0; j < embed->ld; j++)
			t[j] -= mean * embed->ones[j];
		return mean;
	}
	if (embed->center == CENTER_COLUMN)
		for (size_t j = 0; j < embed->ld; j++)
			t[j] -= embed->shift[j];
	return 1;
}

static bool has_weight(const struct csr_matrix *a, size_t row)
{
	for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++)
		if (a->values[i] != 0)
			return true;
	return false;
}

void projection_scale(const struct projection *embed,
		      const struct csr_matrix *a, size_t row, const double *t,
		      float *to)
{
	if (has_weight(a, row))
		for (size_t j = 0; j < embed->k; j++)
			to[j] = (float)(t[j] * embed->scales[j]);
	else
		memset(to, 0, embed->k * sizeof *to);
}

/* -------------------------------------------------------------- all rows */

struct batch {
	const struct projection *embed;
	const struct csr_matrix *a;
	size_t first, count; /* rows */
	double *t;           /* count x ld */
	double *means;       /* count: what projection_row returned */
	float *rows;         /* count x k */
	double *y;           /* ld / BLOCK_COLUMNS strips of m rows, or NULL */
	double *lack;        /* ld: what centring takes of Y */
	bool far;
};

static void projection_piece(void *shared, size_t piece, unsigned thread)
{
	struct batch *batch = shared;
	const struct projection *embed = batch->embed;
	size_t end = (piece + 1) * PIECE;

	(void)thread;
	if (end > batch->count)
		end = batch->count;
	for (size_t i = piece * PIECE; i < end; i++) {
		double *t = batch->t + i * embed->ld;
		batch->means[i] =
			projection_row(embed, batch->a, batch->first + i, t);
		projection_scale(embed, batch->a, batch->first + i, t,
				 batch->rows + i * embed->k);
	}
}

/* Y += B^T T for a strip of columns; only one thread works on a strip, in the
 * order of rows. */
static void scatter_strip(void *shared, size_t strip, unsigned thread)
{
	struct batch *batch = shared;
	const struct projection *embed = batch->embed;
	size_t ld = embed->ld;
	const double *t = batch->t + strip * BLOCK_COLUMNS;
	double *lack = batch->lack + strip * BLOCK_COLUMNS;

	(void)thread;
	embed->set->rows.scatter(
		batch->a, batch->first, batch->first + batch->count, t, ld,
		batch->y + strip * BLOCK_COLUMNS * embed->m, batch->far);
	if (embed->center == CENTER_NONE)
		return;
	for (size_t i = 0; i < batch->count; i++)
		for (size_t j = 0; j < BLOCK_COLUMNS; j++)
			lack[j] += batch->means[i] * t[i * ld + j];
}

/* B^T T = A^T T less, for rows, 1 (mu^T T), for columns mean (1^T T). */
static void subtract_lack(struct batch *batch)
{
	const double *mean = batch->embed->mean;
	size_t m = batch->embed->m;

	for (size_t s = 0; s < batch->embed->ld / BLOCK_COLUMNS; s++)
		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < BLOCK_COLUMNS; j++)
				batch->y[(s * m + i) * BLOCK_COLUMNS + j] -=
					batch->lack[s * BLOCK_COLUMNS + j] *
					(mean != NULL ? mean[i] : 1);
}

static void begin_batches(struct batch *batch, size_t rows)
{
	const struct projection *embed = batch->embed;

	batch->far = embed->m * BLOCK_COLUMNS * sizeof(double) > NEAR_BYTES;
	batch->t =
		alloc_aligned(alloc_product(rows, embed->ld), sizeof *batch->t);
	batch->rows = alloc_resize(NULL, alloc_product(rows, embed->k),
				   sizeof *batch->rows);
	batch->means = alloc(rows, sizeof *batch->means);
	batch->lack = alloc(embed->ld, sizeof *batch->lack);
	if (batch->y != NULL)
		memset(batch->y, 0, embed->m * embed->ld * sizeof *batch->y);
}

static void end_batches(struct batch *batch)
{
	free(batch->t);
	free(batch->rows);
	free(batch->means);
	free(batch->lack);
}

void projection_all(const struct projection *embed, const struct csr_matrix *a,
		    unsigned threads, double *y,
		    void (*take)(void *context, size_t first, size_t count,
				 const float *rows),
		    void *context)
{
	struct batch batch = {.embed = embed, .a = a, .y = y};
	size_t rows = BATCH_BYTES / (embed->ld * sizeof(double));

	rows = rows < PIECE ? PIECE : rows / PIECE * PIECE;
	begin_batches(&batch, rows);
	for (size_t row = 0; row < a->n; row += rows) {
		batch.first = row;
		batch.count = a->n - row < rows ? a->n - row : rows;
		thread_pool_run(threads, (batch.count + PIECE - 1) / PIECE,
				projection_piece, &batch);
		if (y != NULL)
			thread_pool_run(threads, embed->ld / BLOCK_COLUMNS,
					scatter_strip, &batch);
		take(context, row, batch.count, batch.rows);
	}
	if (y != NULL && embed->center != CENTER_NONE)
		subtract_lack(&batch);
	end_batches(&batch);
}
