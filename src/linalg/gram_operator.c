#include "linalg/gram_operator.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"

/* A chunk has at least this many entries, and enough that adding its sums up,
 * BLOCK_COLUMNS for each tag, costs little beside them. */
enum { CHUNK_LEAST = 1 << 18, CHUNK_FACTOR = 16 };

/* Above this many bytes a strip is far: the second cache does not hold it. */
enum { NEAR_BYTES = 1 << 20 };

/* Sums are added to a range of tags at a time, each with a lock. */
enum { RANGES = 64 };

/* ------------------------------------------------------------------- scan */

/* Where chunks begin; an error text if a row's bounds are wrong. */
static const char *cut_chunks(struct gram_operator *op)
{
	const struct csr_matrix *a = op->matrix;
	int64_t most = CHUNK_FACTOR * (int64_t)a->m;
	size_t room = 0, begin = 0;

	if (most < CHUNK_LEAST)
		most = CHUNK_LEAST;
	for (size_t i = 0; i <= a->n; i++) {
		if (i < a->n && a->indptr[i + 1] < a->indptr[i])
			return csr_matrix_check_row(a, i);
		if (i < a->n && a->indptr[i] - a->indptr[begin] < most)
			continue;
		op->chunk_begin =
			alloc_grow(op->chunk_begin, &room, op->chunks + 2,
				   sizeof *op->chunk_begin);
		op->chunk_begin[op->chunks++] = begin;
		op->chunk_begin[op->chunks] = i;
		begin = i;
	}
	return NULL;
}

struct scan {
	const struct gram_operator *op;
	double *energy; /* of each chunk */
	atomic_bool wrong;
};

/* Bits that only what is not finite has: all of the exponent. */
static uint32_t not_finite(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof bits);
	return (bits & 0x7f800000) == 0x7f800000;
}

/* Sum of squares in eight sums, of entries i mod 8, whatever the processor. */
static double sum_squares(const float *values, size_t count)
{
	double sums[8] = {0};
	size_t i = 0;

	for (; i + 8 <= count; i += 8)
		for (size_t l = 0; l < 8; l++)
			sums[l] +=
				(double)values[i + l] * (double)values[i + l];
	for (; i < count; i++)
		sums[i % 8] += (double)values[i] * (double)values[i];
	for (size_t half = 4; half > 0; half /= 2)
		for (size_t l = 0; l < half; l++)
			sums[l] += sums[l + half];
	return sums[0];
}

/* The entries of a chunk as one run, which vectors can do.  Tags must ascend
 * but where a row begins; how often they do not is counted for both. */
static void scan_chunk(void *shared, size_t chunk, unsigned thread)
{
	struct scan *scan = shared;
	const struct gram_operator *op = scan->op;
	const struct csr_matrix *a = op->matrix;
	size_t first = op->chunk_begin[chunk];
	size_t last = op->chunk_begin[chunk + 1];
	int64_t begin = a->indptr[first];
	size_t count = (size_t)(a->indptr[last] - begin);
	const int32_t *tags = a->indices + begin;
	const float *values = a->values + begin, *raw = a->raw + begin;
	uint32_t m = (uint32_t)a->m, wrong = 0, falls = 0, allowed = 0;

	(void)thread;
	for (size_t i = 0; i < count; i++)
		wrong |= (uint32_t)((uint32_t)tags[i] >= m) |
			 not_finite(values[i]) | not_finite(raw[i]);
	for (size_t i = 1; i < count; i++)
		falls += tags[i] <= tags[i - 1];
	for (size_t row = first; row < last; row++) {
		size_t at = (size_t)(a->indptr[row] - begin);
		if (a->indptr[row] < a->indptr[row + 1] && at > 0)
			allowed += tags[at] <= tags[at - 1];
	}
	if (wrong || falls != allowed)
		atomic_store(&scan->wrong, true);
	scan->energy[chunk] = sum_squares(values, count);
}

/* The first row that is wrong. */
static const char *name_row(const struct csr_matrix *a)
{
	const char *error = NULL;

	for (size_t row = 0; row < a->n && error == NULL; row++)
		error = csr_matrix_check_row(a, row);
	return error;
}

static const char *scan_all(struct gram_operator *op)
{
	struct scan scan = {.op = op};

	scan.energy = alloc(op->chunks, sizeof *scan.energy);
	thread_pool_run(op->threads, op->chunks, scan_chunk, &scan);
	for (size_t chunk = 0; chunk < op->chunks; chunk++)
		op->energy += scan.energy[chunk];
	free(scan.energy);
	return scan.wrong ? name_row(op->matrix) : NULL;
}

/* mu, A^T mu and the energy left, for rows; sums in the order of rows.  The
 * energy is a sum of what is left of each cell: a difference of sums would
 * lose it where the means are large. */
static void center_rows(struct gram_operator *op)
{
	const struct csr_matrix *a = op->matrix;

	op->row_mean = alloc(a->m, sizeof *op->row_mean);
	op->centred = 0;
	for (size_t i = 0; i < a->n; i++) {
		int64_t begin = a->indptr[i], end = a->indptr[i + 1];
		double sum = 0;
		for (int64_t j = begin; j < end; j++)
			sum += (double)a->values[j];
		double mean = sum / (double)a->m;
		double square =
			mean * mean * (double)(a->m - (size_t)(end - begin));
		for (int64_t j = begin; j < end; j++) {
			double value = (double)a->values[j];
			op->row_mean[a->indices[j]] += mean * value;
			square += (value - mean) * (value - mean);
		}
		op->row_square += mean * mean;
		op->centred += square;
	}
}

/* The same for columns: mean[j] of each, and the energy left. */
static void center_columns(struct gram_operator *op)
{
	const struct csr_matrix *a = op->matrix;
	double *mean = alloc(a->m, sizeof *mean);
	size_t *zeros = alloc(a->m, sizeof *zeros);

	op->centred = 0;
	for (size_t i = 0; i < a->nnz; i++)
		mean[a->indices[i]] += (double)a->values[i];
	for (size_t j = 0; j < a->m; j++) {
		mean[j] /= (double)a->n;
		zeros[j] = a->n;
	}
	for (size_t i = 0; i < a->nnz; i++) {
		double left = (double)a->values[i] - mean[a->indices[i]];
		zeros[a->indices[i]]--;
		op->centred += left * left;
	}
	for (size_t j = 0; j < a->m; j++)
		op->centred += mean[j] * mean[j] * (double)zeros[j];
	free(zeros);
	op->column_mean = mean;
}

const char *gram_operator_begin(struct gram_operator *op,
				const struct csr_matrix *matrix,
				enum center center, unsigned threads)
{
	*op = (struct gram_operator){.matrix = matrix,
				     .center = center,
				     .threads = threads,
				     .set = block_kernels_best()};
	const char *error = cut_chunks(op);
	if (error == NULL)
		error = scan_all(op);
	if (error != NULL)
		return error;
	op->centred = op->energy;
	if (center == CENTER_ROW)
		center_rows(op);
	if (center == CENTER_COLUMN)
		center_columns(op);
	op->unit = op->energy > 0 ? 0x1p62 / op->energy : 0;
	return NULL;
}

void gram_operator_end(struct gram_operator *op)
{
	free(op->row_mean);
	free(op->column_mean);
	free(op->chunk_begin);
	*op = (struct gram_operator){0};
}

/* ------------------------------------------------------------------- pass */

struct gram_pass {
	const struct gram_operator *op;
	const struct block_kernel *kernel;
	const void *x;
	void *y;
	void **parts;  /* for each thread a strip: of one chunk */
	int64_t *sums; /* m x BLOCK_COLUMNS: of all chunks */
	pthread_mutex_t locks[RANGES];
};

struct gram_pass *gram_pass_begin(const struct gram_operator *op,
				  const struct block_kernel *kernel)
{
	struct gram_pass *pass = alloc(1, sizeof *pass);

	pass->op = op;
	pass->kernel = kernel;
	pass->parts = alloc(op->threads, sizeof *pass->parts);
	pass->sums = alloc(alloc_product(op->matrix->m, BLOCK_COLUMNS),
			   sizeof *pass->sums);
	for (unsigned i = 0; i < RANGES; i++)
		pthread_mutex_init(&pass->locks[i], NULL);
	return pass;
}

void gram_pass_end(struct gram_pass *pass)
{
	if (pass == NULL)
		return;
	for (unsigned i = 0; i < pass->op->threads; i++)
		free(pass->parts[i]);
	for (unsigned i = 0; i < RANGES; i++)
		pthread_mutex_destroy(&pass->locks[i]);
	free(pass->parts);
	free(pass->sums);
	free(pass);
}

static void *part_of(struct gram_pass *pass, unsigned thread)
{
	size_t items = alloc_product(pass->op->matrix->m, BLOCK_COLUMNS);

	if (pass->parts[thread] == NULL) {
		pass->parts[thread] = alloc_aligned(items, pass->kernel->item);
		memset(pass->parts[thread], 0, items * pass->kernel->item);
	}
	return pass->parts[thread];
}

/* Tags first to last - 1 are range i. */
static size_t range_begin(const struct gram_pass *pass, size_t i)
{
	return pass->op->matrix->m * i / RANGES;
}

/* Add the part of a thread to the sums, each thread from another range on. */
static void settle_part(struct gram_pass *pass, unsigned thread)
{
	const struct block_kernel *kernel = pass->kernel;
	char *part = pass->parts[thread];

	for (size_t i = 0; i < RANGES; i++) {
		size_t range = (i + thread * 17) % RANGES;
		size_t first = range_begin(pass, range) * BLOCK_COLUMNS;
		size_t end = range_begin(pass, range + 1) * BLOCK_COLUMNS;
		pthread_mutex_lock(&pass->locks[range]);
		kernel->settle(part + first * kernel->item, pass->sums + first,
			       end - first, pass->op->unit);
		pthread_mutex_unlock(&pass->locks[range]);
	}
}

static void apply_chunk(void *shared, size_t chunk, unsigned thread)
{
	struct gram_pass *pass = shared;
	const struct gram_operator *op = pass->op;
	size_t bytes = op->matrix->m * BLOCK_COLUMNS * pass->kernel->item;

	pass->kernel->apply(op->matrix, op->chunk_begin[chunk],
			    op->chunk_begin[chunk + 1], pass->x,
			    part_of(pass, thread), bytes > NEAR_BYTES);
	settle_part(pass, thread);
}

/* Y = sums; sums = 0 */
static void take_range(void *shared, size_t range, unsigned thread)
{
	struct gram_pass *pass = shared;
	double share = 1 / pass->op->unit, row[BLOCK_COLUMNS];
	size_t end = range_begin(pass, range + 1);

	(void)thread;
	for (size_t i = range_begin(pass, range); i < end; i++) {
		int64_t *sums = pass->sums + i * BLOCK_COLUMNS;
		for (size_t j = 0; j < BLOCK_COLUMNS; j++) {
			row[j] = (double)sums[j] * share;
			sums[j] = 0;
		}
		pass->kernel->from_double(row,
					  (char *)pass->y +
						  i * BLOCK_COLUMNS *
							  pass->kernel->item,
					  BLOCK_COLUMNS);
	}
}

/* Y -= what centring takes: with w = A^T mu, for rows
 * w 1^T X + 1 w^T X - mu^T mu 1 1^T X, for columns n c c^T X. */
static void center_product(const struct gram_operator *op, const double *x,
			   double *y)
{
	const double *w = op->row_mean, *c = op->column_mean;
	double ones[BLOCK_COLUMNS] = {0}, part[BLOCK_COLUMNS] = {0};
	const double *weight = w != NULL ? w : c;
	size_t m = op->matrix->m;

	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < BLOCK_COLUMNS; j++) {
			ones[j] += x[i * BLOCK_COLUMNS + j];
			part[j] += weight[i] * x[i * BLOCK_COLUMNS + j];
		}
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < BLOCK_COLUMNS; j++)
			y[i * BLOCK_COLUMNS + j] -=
				w != NULL ? w[i] * ones[j] + part[j] -
						    op->row_square * ones[j]
					  : (double)op->matrix->n * c[i] *
						    part[j];
}

void gram_pass_apply(struct gram_pass *pass, const void *x, void *y)
{
	const struct gram_operator *op = pass->op;

	pass->x = x;
	pass->y = y;
	thread_pool_run(op->threads, op->chunks, apply_chunk, pass);
	thread_pool_run(op->threads, RANGES, take_range, pass);
	if (op->center != CENTER_NONE)
		center_product(op, x, y);
}
