#include "linalg/gram_matrix.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "linalg/ranks.h"

/* A chunk has so many multiplications for each element of C, and at least so
 * many, that adding up its sums costs little beside them; and at most so many
 * rows, for each of which a position is kept. */
enum {
	CHUNK_ELEMENT_PRODUCTS = 16,
	CHUNK_MIN_PRODUCTS = 1 << 18,
	CHUNK_MAX_ROWS = 1 << 19
};

/* Elements of a panel of C: half a megabyte, which leaves room for rows in the
 * second-level cache. */
enum { PANEL_ITEMS = 1 << 16 };

struct builder {
	const struct gram_operator *gram;
	size_t chunks, room;
	struct row_range *chunk;
	double **parts;         /* for each thread m x m: of one chunk */
	int64_t *sums;          /* m x m: of all chunks */
	pthread_mutex_t *locks; /* for each row of sums */
};

static void append_chunk(struct builder *builder, struct row_range chunk)
{
	builder->chunk =
		alloc_grow(builder->chunk, &builder->room, builder->chunks + 1,
			   sizeof *builder->chunk);
	builder->chunk[builder->chunks++] = chunk;
}

/* Divide the rows of a shard into chunks. */
static void divide_rows(struct builder *builder, const struct csr_matrix *a)
{
	size_t begin = 0, products = 0,
	       most = CHUNK_ELEMENT_PRODUCTS * a->m * a->m;

	if (most < CHUNK_MIN_PRODUCTS)
		most = CHUNK_MIN_PRODUCTS;
	for (size_t i = 0; i <= a->n; i++) {
		if (i == a->n || i - begin == CHUNK_MAX_ROWS ||
		    products >= most) {
			append_chunk(builder, (struct row_range){a, begin, i});
			begin = i;
			products = 0;
		}
		if (i < a->n) {
			size_t count =
				(size_t)(a->indptr[i + 1] - a->indptr[i]);
			products += count * (count + 1) / 2;
		}
	}
}

/* part += the products of each row's entries from next on, those in columns
 * below end, with themselves and all later ones: the upper triangle. */
static void add_panel(const struct csr_matrix *a, size_t first, size_t last,
		      int64_t end, int64_t *next, double *part)
{
	const int32_t *columns = a->indices;
	const float *values = a->values;

	for (size_t row = first; row < last; row++) {
		int64_t i = next[row - first], stop = a->indptr[row + 1];
		for (; i < stop && columns[i] < end; i++) {
			double *to = part + (size_t)columns[i] * a->m;
			double x = (double)values[i];
			for (int64_t j = i; j < stop; j++)
				to[columns[j]] += x * (double)values[j];
		}
		next[row - first] = i;
	}
}

/* part += the upper triangle of A_S^T A_S for the rows S of a chunk, a panel of
 * rows of C, which the cache holds, at a time. */
static void add_rows(const struct csr_matrix *a, size_t first, size_t last,
		     double *part)
{
	int64_t *next = alloc(last - first, sizeof *next);
	size_t m = a->m, items = 0;

	for (size_t row = first; row < last; row++)
		next[row - first] = a->indptr[row];
	for (size_t column = 0; column < m; column++) {
		items += m - column;
		if (items >= PANEL_ITEMS || column + 1 == m) {
			add_panel(a, first, last, (int64_t)column + 1, next,
				  part);
			items = 0;
		}
	}
	free(next);
}

/* sums += part in units, rounded; part = 0.  Threads start at different rows,
 * so that few wait for a lock. */
static void add_part(struct builder *builder, double *part, unsigned thread)
{
	size_t m = builder->gram->m;
	double unit = builder->gram->unit;

	for (size_t i = 0; i < m; i++) {
		size_t row = (i + thread * 97) % m;
		double *from = part + row * m;
		int64_t *to = builder->sums + row * m;
		pthread_mutex_lock(&builder->locks[row]);
		for (size_t j = row; j < m; j++) {
			to[j] += llrint(from[j] * unit);
			from[j] = 0;
		}
		pthread_mutex_unlock(&builder->locks[row]);
	}
}

static void add_chunk(void *shared, size_t chunk, unsigned thread)
{
	struct builder *builder = shared;
	const struct row_range *rows = &builder->chunk[chunk];
	size_t m = builder->gram->m;

	if (builder->parts[thread] == NULL)
		builder->parts[thread] = alloc(m * m, sizeof(double));
	add_rows(rows->matrix, rows->begin, rows->end, builder->parts[thread]);
	add_part(builder, builder->parts[thread], thread);
	progress_add(rows->end - rows->begin);
}

/* The correction of C = A^T A for centring, upper triangle: with w = A^T mu,
 * C -= w 1^T + 1 w^T - mu^T mu 1 1^T for rows; C -= n mean mean^T for columns.
 */
static void center(const struct gram_operator *gram, double *c)
{
	size_t m = gram->m;
	const double *w = gram->row_mean, *mean = gram->column_mean;

	for (size_t i = 0; i < m; i++)
		for (size_t j = i; j < m; j++) {
			double *g = &c[i * m + j];
			if (w != NULL)
				*g -= w[i] + w[j] - gram->row_square;
			else if (mean != NULL)
				*g -= (double)gram->n * mean[i] * mean[j];
		}
}

static void begin_gram(struct builder *builder)
{
	const struct gram_operator *gram = builder->gram;
	size_t m = gram->m;

	for (size_t i = 0; i < gram->shard_count; i++)
		if (gram->shards[i] != NULL)
			divide_rows(builder, gram->shards[i]);
	builder->parts = alloc(builder->gram->threads, sizeof *builder->parts);
	builder->sums = alloc(alloc_product(m, m), sizeof *builder->sums);
	builder->locks = alloc(m, sizeof *builder->locks);
	for (size_t i = 0; i < m; i++)
		pthread_mutex_init(&builder->locks[i], NULL);
}

static void end_gram(struct builder *builder)
{
	for (unsigned i = 0; i < builder->gram->threads; i++)
		free(builder->parts[i]);
	for (size_t i = 0; i < builder->gram->m; i++)
		pthread_mutex_destroy(&builder->locks[i]);
	free(builder->parts);
	free(builder->sums);
	free(builder->locks);
	free(builder->chunk);
}

/* The sums of all ranks. */
static void add_all_rows(struct builder *builder)
{
	const struct gram_operator *gram = builder->gram;

	begin_gram(builder);
	thread_pool_run(gram->threads, builder->chunks, add_chunk, builder);
	ranks_sum(builder->sums, gram->m * gram->m);
}

void gram_matrix_assist(const struct gram_operator *gram)
{
	struct builder builder = {.gram = gram};

	add_all_rows(&builder);
	end_gram(&builder);
}

void gram_matrix_compute(const struct gram_operator *gram, double *c)
{
	size_t m = gram->m;
	struct builder builder = {.gram = gram};
	enum gram_command command = GRAM_MATRIX;

	if (ranks_count() > 1)
		ranks_share(&command, sizeof command);
	add_all_rows(&builder);
	for (size_t i = 0; i < m * m; i++)
		c[i] = gram->unit > 0 ? (double)builder.sums[i] / gram->unit
				      : 0;
	end_gram(&builder);
	center(gram, c);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < i; j++)
			c[i * m + j] = c[j * m + i];
}
