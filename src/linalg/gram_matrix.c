#include "linalg/gram_matrix.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"

/* A chunk has so many products for each item of G, and so many at least, that
 * adding its sums up costs little beside them; but not more rows than so many,
 * for each of which a number is kept. */
enum { PRODUCTS = 16, PRODUCTS_LEAST = 1 << 18, ROWS_MOST = 1 << 19 };

/* Items of a panel of G: half a megabyte, with room for rows in a second cache.
 */
enum { PANEL_ITEMS = 1 << 16 };

struct gram {
	const struct gram_operator *op;
	size_t chunks, *chunk_begin; /* rows */
	double **parts;              /* for each thread m x m: of one chunk */
	int64_t *sums;               /* m x m: of all chunks */
	pthread_mutex_t *locks;      /* for each row of sums */
};

static void cut_chunks(struct gram *gram)
{
	const struct csr_matrix *a = gram->op->matrix;
	size_t room = 0, begin = 0, products = 0, most = PRODUCTS * a->m * a->m;

	if (most < PRODUCTS_LEAST)
		most = PRODUCTS_LEAST;
	for (size_t i = 0; i <= a->n; i++) {
		if (i == a->n || i - begin == ROWS_MOST || products >= most) {
			gram->chunk_begin = alloc_grow(
				gram->chunk_begin, &room, gram->chunks + 2,
				sizeof *gram->chunk_begin);
			gram->chunk_begin[gram->chunks++] = begin;
			gram->chunk_begin[gram->chunks] = i;
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

/* Add the products of each row's entries from next on, below tag end, with
 * itself and those after it: the upper triangle. */
static void add_panel(const struct csr_matrix *a, size_t first, size_t last,
		      int64_t end, int64_t *next, double *part)
{
	const int32_t *tags = a->indices;
	const float *values = a->values;

	for (size_t row = first; row < last; row++) {
		int64_t i = next[row - first], stop = a->indptr[row + 1];
		for (; i < stop && tags[i] < end; i++) {
			double *to = part + (size_t)tags[i] * a->m;
			double x = (double)values[i];
			for (int64_t j = i; j < stop; j++)
				to[tags[j]] += x * (double)values[j];
		}
		next[row - first] = i;
	}
}

/* A panel of G at a time, which the cache holds, meets all rows. */
static void add_rows(const struct csr_matrix *a, size_t first, size_t last,
		     double *part)
{
	int64_t *next = alloc(last - first, sizeof *next);
	size_t m = a->m, items = 0;

	for (size_t row = first; row < last; row++)
		next[row - first] = a->indptr[row];
	for (size_t tag = 0; tag < m; tag++) {
		items += m - tag;
		if (items >= PANEL_ITEMS || tag + 1 == m) {
			add_panel(a, first, last, (int64_t)tag + 1, next, part);
			items = 0;
		}
	}
	free(next);
}

static void settle(struct gram *gram, double *part, unsigned thread)
{
	size_t m = gram->op->matrix->m;
	double unit = gram->op->unit;

	for (size_t i = 0; i < m; i++) {
		size_t row = (i + thread * 97) % m;
		double *from = part + row * m;
		int64_t *to = gram->sums + row * m;
		pthread_mutex_lock(&gram->locks[row]);
		for (size_t j = row; j < m; j++) {
			to[j] += llrint(from[j] * unit);
			from[j] = 0;
		}
		pthread_mutex_unlock(&gram->locks[row]);
	}
}

static void make_chunk(void *shared, size_t chunk, unsigned thread)
{
	struct gram *gram = shared;
	const struct csr_matrix *a = gram->op->matrix;

	if (gram->parts[thread] == NULL)
		gram->parts[thread] = alloc(a->m * a->m, sizeof(double));
	add_rows(a, gram->chunk_begin[chunk], gram->chunk_begin[chunk + 1],
		 gram->parts[thread]);
	settle(gram, gram->parts[thread], thread);
	progress_add(gram->chunk_begin[chunk + 1] - gram->chunk_begin[chunk]);
}

/* G -= what centring takes: for rows A^T mu 1^T + 1 (A^T mu)^T - mu^T mu 1 1^T,
 * for columns n c c^T. */
static void center(const struct gram_operator *op, double *gram)
{
	size_t m = op->matrix->m;
	const double *w = op->row_mean, *c = op->column_mean;

	for (size_t i = 0; i < m; i++)
		for (size_t j = i; j < m; j++) {
			double *g = &gram[i * m + j];
			if (w != NULL)
				*g -= w[i] + w[j] - op->row_square;
			else if (c != NULL)
				*g -= (double)op->matrix->n * c[i] * c[j];
		}
}

static void begin_gram(struct gram *gram)
{
	size_t m = gram->op->matrix->m;

	cut_chunks(gram);
	gram->parts = alloc(gram->op->threads, sizeof *gram->parts);
	gram->sums = alloc(alloc_product(m, m), sizeof *gram->sums);
	gram->locks = alloc(m, sizeof *gram->locks);
	for (size_t i = 0; i < m; i++)
		pthread_mutex_init(&gram->locks[i], NULL);
}

static void end_gram(struct gram *gram)
{
	for (unsigned i = 0; i < gram->op->threads; i++)
		free(gram->parts[i]);
	for (size_t i = 0; i < gram->op->matrix->m; i++)
		pthread_mutex_destroy(&gram->locks[i]);
	free(gram->parts);
	free(gram->sums);
	free(gram->locks);
	free(gram->chunk_begin);
}

double gram_matrix_products(const struct csr_matrix *matrix)
{
	double products = 0;

	for (size_t row = 0; row < matrix->n; row++) {
		double count =
			(double)(matrix->indptr[row + 1] - matrix->indptr[row]);
		products += count * (count + 1) / 2;
	}
	return products;
}

void gram_matrix_compute(const struct gram_operator *op, double *g)
{
	size_t m = op->matrix->m;
	struct gram gram = {.op = op};

	begin_gram(&gram);
	thread_pool_run(op->threads, gram.chunks, make_chunk, &gram);
	for (size_t i = 0; i < m * m; i++)
		g[i] = op->unit > 0 ? (double)gram.sums[i] / op->unit : 0;
	end_gram(&gram);
	center(op, g);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < i; j++)
			g[i * m + j] = g[j * m + i];
}
