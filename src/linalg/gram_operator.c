#include "linalg/gram_operator.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"
#include "linalg/ranks.h"

/* A chunk has at least so many entries, and so many for each column, that
 * adding up its sums, BLOCK_COLUMNS for each column, costs little beside them.
 */
enum { CHUNK_MIN_ENTRIES = 1 << 18, CHUNK_COLUMN_ENTRIES = 16 };

/* Larger blocks do not fit in the second-level cache: rows are prefetched. */
enum { CACHED_BYTES = 1 << 20 };

/* Columns are divided into RANGES, each with a lock, under which threads add to
 * its sums. */
enum { RANGES = 64 };

/* ------------------------------------------------------------------- scan */

static void add_chunk(struct gram_operator *gram, size_t *room,
		      struct row_range chunk)
{
	gram->chunk = alloc_grow(gram->chunk, room, gram->chunks + 1,
				 sizeof *gram->chunk);
	gram->chunk[gram->chunks++] = chunk;
}

/* Divide the rows of a shard into chunks; an error text if a row's bounds are
 * wrong. */
static const char *divide_rows(struct gram_operator *gram,
			       const struct csr_matrix *a, size_t *room)
{
	int64_t most = CHUNK_COLUMN_ENTRIES * (int64_t)a->m;
	size_t begin = 0;

	if (most < CHUNK_MIN_ENTRIES)
		most = CHUNK_MIN_ENTRIES;
	for (size_t i = 0; i <= a->n; i++) {
		if (i < a->n && a->indptr[i + 1] < a->indptr[i])
			return csr_matrix_check_row(a, i);
		if (i < a->n && a->indptr[i] - a->indptr[begin] < most)
			continue;
		add_chunk(gram, room, (struct row_range){a, begin, i});
		begin = i;
	}
	return NULL;
}

struct entry_scan {
	const struct gram_operator *gram;
	double *norms_squared; /* of each chunk */
	atomic_bool wrong;
};

/* Whether a value is infinite or NaN: all bits of the exponent are set. Without
 * a branch, so that loops over values are vectorized. */
static uint32_t not_finite(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof bits);
	return (bits & 0x7f800000) == 0x7f800000;
}

/* The sum of squares, in eight sums over i mod 8 on every processor, so that
 * its bits are the same everywhere. */
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

/* Check the entries of a chunk, all rows as one array, which the compiler can
 * vectorize.  Column indices must ascend except where a row begins: the number
 * of descents must be that of rows that begin with one. */
static void scan_chunk(void *shared, size_t chunk, unsigned thread)
{
	struct entry_scan *scan = shared;
	const struct gram_operator *gram = scan->gram;
	const struct csr_matrix *a = gram->chunk[chunk].matrix;
	size_t first = gram->chunk[chunk].begin;
	size_t last = gram->chunk[chunk].end;
	int64_t begin = a->indptr[first];
	size_t count = (size_t)(a->indptr[last] - begin);
	const int32_t *columns = a->indices + begin;
	const float *values = a->values + begin, *raw = a->raw + begin;
	uint32_t m = (uint32_t)a->m, wrong = 0, falls = 0, allowed = 0;

	(void)thread;
	for (size_t i = 0; i < count; i++)
		wrong |= (uint32_t)((uint32_t)columns[i] >= m) |
			 not_finite(values[i]) | not_finite(raw[i]);
	for (size_t i = 1; i < count; i++)
		falls += columns[i] <= columns[i - 1];
	for (size_t row = first; row < last; row++) {
		size_t at = (size_t)(a->indptr[row] - begin);
		if (a->indptr[row] < a->indptr[row + 1] && at > 0)
			allowed += columns[at] <= columns[at - 1];
	}
	if (wrong || falls != allowed)
		atomic_store(&scan->wrong, true);
	scan->norms_squared[chunk] = sum_squares(values, count);
}

/* What is summed over all shards: first integers, then the bits of doubles,
 * which are zero but of one process. */
enum { TOTAL_ROWS, TOTAL_ENTRIES, TOTAL_PRODUCTS, TOTAL_NORMS };

/* Multiplications for A^T A. */
static int64_t count_products(const struct csr_matrix *a)
{
	int64_t products = 0;

	for (size_t row = 0; row < a->n; row++) {
		int64_t count = a->indptr[row + 1] - a->indptr[row];
		products += count * (count + 1) / 2;
	}
	return products;
}

static void set_totals(struct gram_operator *gram, const double *norms)
{
	size_t count = TOTAL_NORMS + gram->shard_count;
	int64_t *totals = alloc(count, sizeof *totals);

	for (size_t i = 0; i < gram->shard_count; i++) {
		const struct csr_matrix *a = gram->shards[i];
		if (a == NULL)
			continue;
		totals[TOTAL_ROWS] += (int64_t)a->n;
		totals[TOTAL_ENTRIES] += a->indptr[a->n];
		totals[TOTAL_PRODUCTS] += count_products(a);
		memcpy(&totals[TOTAL_NORMS + i], &norms[i], sizeof norms[i]);
	}
	ranks_sum(totals, count);
	ranks_share(totals, count * sizeof *totals);
	gram->n = (size_t)totals[TOTAL_ROWS];
	gram->nnz = (size_t)totals[TOTAL_ENTRIES];
	gram->products = (double)totals[TOTAL_PRODUCTS];
	for (size_t i = 0; i < gram->shard_count; i++) {
		double norm;
		memcpy(&norm, &totals[TOTAL_NORMS + i], sizeof norm);
		gram->norm_squared += norm;
	}
	free(totals);
}

static const char *scan_all(struct gram_operator *gram)
{
	struct entry_scan scan = {.gram = gram};
	double *norms = alloc(gram->shard_count, sizeof *norms);
	const char *error = NULL;
	size_t chunk = 0;

	scan.norms_squared = alloc(gram->chunks, sizeof *scan.norms_squared);
	thread_pool_run(gram->threads, gram->chunks, scan_chunk, &scan);
	for (size_t i = 0; i < gram->shard_count; i++)
		for (; chunk < gram->chunks &&
		       gram->chunk[chunk].matrix == gram->shards[i];
		     chunk++)
			norms[i] += scan.norms_squared[chunk];
	free(scan.norms_squared);
	for (size_t i = 0; scan.wrong && i < gram->shard_count; i++)
		if (error == NULL && gram->shards[i] != NULL)
			error = csr_matrix_check_rows(gram->shards[i]);
	if (error == NULL)
		set_totals(gram, norms);
	free(norms);
	return error;
}

/* For row centring: A^T mu, mu^T mu and ||B||_F^2, summed in the order of rows.
 * ||B||_F^2 is summed over the centred elements: the difference
 * ||A||_F^2 - m mu^T mu would cancel where the means are large. */
static void center_rows(struct gram_operator *gram)
{
	const struct csr_matrix *a = gram->matrix;

	gram->row_mean = alloc(a->m, sizeof *gram->row_mean);
	gram->centred_norm_squared = 0;
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
			gram->row_mean[a->indices[j]] += mean * value;
			square += (value - mean) * (value - mean);
		}
		gram->row_square += mean * mean;
		gram->centred_norm_squared += square;
	}
}

/* For column centring: the mean of each column, and ||B||_F^2. */
static void center_columns(struct gram_operator *gram)
{
	const struct csr_matrix *a = gram->matrix;
	double *mean = alloc(a->m, sizeof *mean);
	size_t *zeros = alloc(a->m, sizeof *zeros);

	gram->centred_norm_squared = 0;
	for (size_t i = 0; i < a->nnz; i++)
		mean[a->indices[i]] += (double)a->values[i];
	for (size_t j = 0; j < a->m; j++) {
		mean[j] /= (double)a->n;
		zeros[j] = a->n;
	}
	for (size_t i = 0; i < a->nnz; i++) {
		double left = (double)a->values[i] - mean[a->indices[i]];
		zeros[a->indices[i]]--;
		gram->centred_norm_squared += left * left;
	}
	for (size_t j = 0; j < a->m; j++)
		gram->centred_norm_squared +=
			mean[j] * mean[j] * (double)zeros[j];
	free(zeros);
	gram->column_mean = mean;
}

const char *gram_operator_begin_shards(struct gram_operator *gram,
				       const struct csr_matrix *const *shards,
				       size_t count, size_t m, unsigned threads)
{
	size_t room = 0;
	const char *error = NULL;

	*gram = (struct gram_operator){.m = m,
				       .shards = shards,
				       .shard_count = count,
				       .threads = threads,
				       .set = block_kernels_best()};
	for (size_t i = 0; i < count && error == NULL; i++)
		if (shards[i] != NULL)
			error = divide_rows(gram, shards[i], &room);
	if (error == NULL)
		error = scan_all(gram);
	if (error != NULL)
		return error;
	gram->centred_norm_squared = gram->norm_squared;
	gram->unit = gram->norm_squared > 0 ? 0x1p62 / gram->norm_squared : 0;
	return NULL;
}

const char *gram_operator_begin(struct gram_operator *gram,
				const struct csr_matrix *matrix,
				enum center center, unsigned threads)
{
	const char *error;

	*gram = (struct gram_operator){0};
	const struct csr_matrix **shard = alloc(1, sizeof *shard);
	*shard = matrix;
	error = gram_operator_begin_shards(gram, shard, 1, matrix->m, threads);
	gram->matrix = matrix;
	gram->center = center;
	gram->own_shards = shard;
	if (error != NULL)
		return error;
	if (center == CENTER_ROW)
		center_rows(gram);
	if (center == CENTER_COLUMN)
		center_columns(gram);
	return NULL;
}

void gram_operator_end(struct gram_operator *gram)
{
	free(gram->row_mean);
	free(gram->column_mean);
	free(gram->chunk);
	free(gram->own_shards);
	*gram = (struct gram_operator){0};
}

/* ------------------------------------------------------------------- pass */

struct gram_pass {
	const struct gram_operator *gram;
	const struct block_kernel *kernel;
	const void *x;
	void *y;
	void *received; /* X of rank 0, in others */
	void **parts;   /* a block for each thread: Y of one chunk */
	int64_t *sums;  /* m x BLOCK_COLUMNS: of all chunks */
	pthread_mutex_t locks[RANGES];
};

struct gram_pass *gram_pass_begin(const struct gram_operator *gram,
				  const struct block_kernel *kernel)
{
	struct gram_pass *pass = alloc(1, sizeof *pass);

	pass->gram = gram;
	pass->kernel = kernel;
	pass->parts = alloc(gram->threads, sizeof *pass->parts);
	pass->sums = alloc(alloc_product(gram->m, BLOCK_COLUMNS),
			   sizeof *pass->sums);
	for (unsigned i = 0; i < RANGES; i++)
		pthread_mutex_init(&pass->locks[i], NULL);
	return pass;
}

void gram_pass_end(struct gram_pass *pass)
{
	if (pass == NULL)
		return;
	for (unsigned i = 0; i < pass->gram->threads; i++)
		free(pass->parts[i]);
	for (unsigned i = 0; i < RANGES; i++)
		pthread_mutex_destroy(&pass->locks[i]);
	free(pass->parts);
	free(pass->received);
	free(pass->sums);
	free(pass);
}

static void *part_of(struct gram_pass *pass, unsigned thread)
{
	size_t items = alloc_product(pass->gram->m, BLOCK_COLUMNS);

	if (pass->parts[thread] == NULL) {
		pass->parts[thread] = alloc_aligned(items, pass->kernel->item);
		memset(pass->parts[thread], 0, items * pass->kernel->item);
	}
	return pass->parts[thread];
}

/* The first column of range i. */
static size_t range_begin(const struct gram_pass *pass, size_t i)
{
	return pass->gram->m * i / RANGES;
}

/* Add the part of a thread to the sums.  Threads start at different ranges, so
 * that few wait for a lock. */
static void add_part(struct gram_pass *pass, unsigned thread)
{
	const struct block_kernel *kernel = pass->kernel;
	char *part = pass->parts[thread];

	for (size_t i = 0; i < RANGES; i++) {
		size_t range = (i + thread * 17) % RANGES;
		size_t first = range_begin(pass, range) * BLOCK_COLUMNS;
		size_t end = range_begin(pass, range + 1) * BLOCK_COLUMNS;
		pthread_mutex_lock(&pass->locks[range]);
		kernel->accumulate(part + first * kernel->item,
				   pass->sums + first, end - first,
				   pass->gram->unit);
		pthread_mutex_unlock(&pass->locks[range]);
	}
}

static void apply_chunk(void *shared, size_t chunk, unsigned thread)
{
	struct gram_pass *pass = shared;
	const struct gram_operator *gram = pass->gram;
	const struct row_range *rows = &gram->chunk[chunk];
	size_t bytes = gram->m * BLOCK_COLUMNS * pass->kernel->item;

	pass->kernel->apply(rows->matrix, rows->begin, rows->end, pass->x,
			    part_of(pass, thread), bytes > CACHED_BYTES);
	add_part(pass, thread);
}

/* Y = sums, for one range of columns; sums = 0 */
static void convert_range(void *shared, size_t range, unsigned thread)
{
	struct gram_pass *pass = shared;
	double share = 1 / pass->gram->unit, row[BLOCK_COLUMNS];
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

/* The correction of Y = A^T A X for centring: with w = A^T mu,
 * Y -= w 1^T X + 1 w^T X - mu^T mu 1 1^T X for rows; Y -= n c c^T X for columns
 * with means c. */
static void center_product(const struct gram_operator *gram, const double *x,
			   double *y)
{
	const double *w = gram->row_mean, *c = gram->column_mean;
	double ones[BLOCK_COLUMNS] = {0}, part[BLOCK_COLUMNS] = {0};
	const double *weight = w != NULL ? w : c;
	size_t m = gram->m;

	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < BLOCK_COLUMNS; j++) {
			ones[j] += x[i * BLOCK_COLUMNS + j];
			part[j] += weight[i] * x[i * BLOCK_COLUMNS + j];
		}
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < BLOCK_COLUMNS; j++)
			y[i * BLOCK_COLUMNS + j] -=
				w != NULL ? w[i] * ones[j] + part[j] -
						    gram->row_square * ones[j]
					  : (double)gram->n * c[i] * part[j];
}

static size_t block_bytes(const struct gram_pass *pass)
{
	return pass->gram->m * BLOCK_COLUMNS * pass->kernel->item;
}

void gram_pass_assist(struct gram_pass *pass)
{
	const struct gram_operator *gram = pass->gram;
	size_t items = gram->m * BLOCK_COLUMNS;

	if (pass->received == NULL)
		pass->received = alloc_aligned(items, pass->kernel->item);
	ranks_share(pass->received, block_bytes(pass));
	pass->x = pass->received;
	thread_pool_run(gram->threads, gram->chunks, apply_chunk, pass);
	ranks_sum(pass->sums, items);
	memset(pass->sums, 0, items * sizeof *pass->sums);
}

void gram_pass_apply(struct gram_pass *pass, const void *x, void *y)
{
	const struct gram_operator *gram = pass->gram;

	if (ranks_count() > 1) {
		enum gram_command command = pass->kernel->item == sizeof(float)
						    ? GRAM_SINGLE
						    : GRAM_DOUBLE;
		ranks_share(&command, sizeof command);
		ranks_share((void *)(uintptr_t)x, block_bytes(pass));
	}
	pass->x = x;
	pass->y = y;
	thread_pool_run(gram->threads, gram->chunks, apply_chunk, pass);
	ranks_sum(pass->sums, gram->m * BLOCK_COLUMNS);
	thread_pool_run(gram->threads, RANGES, convert_range, pass);
	if (gram->center != CENTER_NONE)
		center_product(gram, x, y);
}
