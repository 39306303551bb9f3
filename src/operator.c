#include "operator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "progress.h"
#include "team.h"

/* A chunk has at least this many non-zeros, and enough that adding its sums
 * up, an item of Y each, costs little beside them. */
enum { CHUNK_LEAST = 1 << 16, CHUNK_FACTOR = 16, CHUNK_ROWS = 1 << 15 };

/* ------------------------------------------------------------------ begin */

static void cut_chunks(struct operator *operator)
{
	const struct matrix *a = operator->matrix;
	int64_t most = CHUNK_FACTOR * (int64_t)a->m;
	size_t room = 0, begin = 0;

	if (most < CHUNK_LEAST)
		most = CHUNK_LEAST;
	for (size_t i = 0; i <= a->n; i++) {
		if (i < a->n && i - begin < CHUNK_ROWS &&
		    a->indptr[i] - a->indptr[begin] < most)
			continue;
		operator->chunk_begin = alloc_grow(
			operator->chunk_begin, &room, operator->chunks + 2,
			sizeof *operator->chunk_begin);
		operator->chunk_begin[operator->chunks++] = begin;
		operator->chunk_begin[operator->chunks] = i;
		begin = i;
	}
}

/* Add up exactly what is needed of the values, in row order. */
static const char *scan(struct operator *operator)
{
	const struct matrix *a = operator->matrix;
	double m = (double)a->m;

	for (size_t i = 0; i < a->n; i++) {
		const char *error = matrix_row(a, i);
		double sum = 0, squares = 0;
		if (error != NULL)
			return error;
		for (int64_t j = a->indptr[i]; j < a->indptr[i + 1]; j++) {
			sum += (double)a->values[j];
			squares += (double)a->values[j] * (double)a->values[j];
		}
		operator->energy += squares;
		if (operator->center == CENTER_ROW) {
			double mean = sum / m;
			for (int64_t j = a->indptr[i]; j < a->indptr[i + 1];
			     j++)
				operator->row_mean[a->indices[j]] +=
					mean * (double)a->values[j];
			operator->row_square += mean * mean;
			operator->centred += squares - mean * sum;
		} else if (operator->center == CENTER_COLUMN) {
			for (int64_t j = a->indptr[i]; j < a->indptr[i + 1];
			     j++)
				operator->column_mean[a->indices[j]] +=
					(double)a->values[j] / (double)a->n;
		}
	}
	return NULL;
}

const char *operator_begin(struct operator *operator,
			   const struct matrix *matrix, enum center center,
			   unsigned threads)
{
	*operator = (struct operator){ .matrix = matrix, .center = center,
				       .threads = threads };
	if (center == CENTER_ROW)
		operator->row_mean = alloc(matrix->m,
					   sizeof *operator->row_mean);
	if (center == CENTER_COLUMN)
		operator->column_mean = alloc(matrix->m,
					      sizeof *operator->column_mean);
	const char *error = scan(operator);
	if (error != NULL)
		return error;
	if (center != CENTER_ROW)
		operator->centred = operator->energy;
	if (center == CENTER_COLUMN)
		for (size_t i = 0; i < matrix->m; i++)
			operator->centred -= (double)matrix->n *
				operator->column_mean[i] *
				operator->column_mean[i];
	operator->unit = operator->energy > 0 ? 0x1p62 / operator->energy : 0;
	cut_chunks(operator);
	return NULL;
}

void operator_end(struct operator *operator)
{
	free(operator->row_mean);
	free(operator->column_mean);
	free(operator->chunk_begin);
	*operator = (struct operator){ 0 };
}

/* --------------------------------------------------------- sums of threads */

/* sums[0] += all others; then to doubles. */
static void settle(const struct operator *operator, int64_t **sums,
		   size_t count, double *result)
{
	for (unsigned t = 1; t < operator->threads; t++) {
		for (size_t i = 0; sums[t] != NULL && i < count; i++)
			sums[0][i] += sums[t][i];
		free(sums[t]);
	}
	for (size_t i = 0; i < count; i++)
		result[i] = operator->unit > 0 && sums[0] != NULL ?
			(double)sums[0][i] / operator->unit : 0;
	free(sums[0]);
}

/* ------------------------------------------------------------------- gram */

struct gram {
	const struct operator *operator;
	int64_t **sums;		/* for each thread m x m, or NULL */
};

static void gram_chunk(void *shared, size_t chunk, unsigned thread)
{
	struct gram *gram = shared;
	const struct operator *operator = gram->operator;
	const struct matrix *a = operator->matrix;
	double unit = operator->unit;

	if (gram->sums[thread] == NULL)
		gram->sums[thread] = alloc(a->m * a->m, sizeof(int64_t));
	for (size_t row = operator->chunk_begin[chunk];
	     row < operator->chunk_begin[chunk + 1]; row++)
		for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++) {
			int64_t *to = gram->sums[thread] +
				(size_t)a->indices[i] * a->m;
			double x = unit * (double)a->values[i];
			for (int64_t j = i; j < a->indptr[row + 1]; j++)
				to[a->indices[j]] += llrint(
					x * (double)a->values[j]);
		}
	progress_add(1);
}

/* G -= what centring takes: for rows A^T mu 1^T + 1 (A^T mu)^T - mu^T mu 1 1^T,
 * for columns n c c^T. */
static void center_gram(const struct operator *operator, double *gram)
{
	size_t m = operator->matrix->m;
	const double *w = operator->row_mean, *c = operator->column_mean;

	for (size_t i = 0; i < m; i++)
		for (size_t j = i; j < m; j++) {
			double *g = &gram[i * m + j];
			if (w != NULL)
				*g -= w[i] + w[j] - operator->row_square;
			else if (c != NULL)
				*g -= (double)operator->matrix->n * c[i] * c[j];
		}
}

void operator_gram(const struct operator *operator, double *gram)
{
	size_t m = operator->matrix->m;
	struct gram work = { .operator = operator };

	work.sums = alloc(operator->threads, sizeof *work.sums);
	team_run(operator->threads, operator->chunks, gram_chunk, &work);
	settle(operator, work.sums, m * m, gram);
	free(work.sums);
	center_gram(operator, gram);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < i; j++)
			gram[i * m + j] = gram[j * m + i];
}

/* ------------------------------------------------------------------ apply */

struct apply {
	const struct operator *operator;
	const double *x;
	size_t x_ld, b;
	double **parts;		/* for each thread m x b: of one chunk */
	int64_t **sums;		/* for each thread m x b: of all its chunks */
	double *t;		/* last pass: rows x b of the batch */
	size_t first;		/* last pass: the batch's first chunk */
	const double *ones, *shift;
};

static void add_part(const struct operator *operator, double *part,
		     int64_t *sums, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sums[i] += llrint(part[i] * operator->unit);
		part[i] = 0;
	}
}

/* t = a_row^T X, not centred. */
static void gather(const struct matrix *a, size_t row, const double *x,
		   size_t x_ld, size_t b, double *restrict t)
{
	memset(t, 0, b * sizeof *t);
	for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++) {
		const double *from = x + (size_t)a->indices[i] * x_ld;
		double value = (double)a->values[i];
		for (size_t j = 0; j < b; j++)
			t[j] += value * from[j];
	}
}

static void scatter(const struct matrix *a, size_t row, const double *t,
		    size_t b, double *restrict y)
{
	for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++) {
		double *to = y + (size_t)a->indices[i] * b;
		double value = (double)a->values[i];
		for (size_t j = 0; j < b; j++)
			to[j] += value * t[j];
	}
}

static void prepare(struct apply *work, unsigned thread)
{
	size_t count = work->operator->matrix->m * work->b;

	if (work->parts[thread] != NULL)
		return;
	work->parts[thread] = alloc(count, sizeof(double));
	work->sums[thread] = alloc(count, sizeof(int64_t));
}

static void apply_chunk(void *shared, size_t chunk, unsigned thread)
{
	struct apply *work = shared;
	const struct operator *operator = work->operator;
	const struct matrix *a = operator->matrix;
	double *t = alloc(work->b, sizeof *t);

	prepare(work, thread);
	for (size_t row = operator->chunk_begin[chunk];
	     row < operator->chunk_begin[chunk + 1]; row++) {
		gather(a, row, work->x, work->x_ld, work->b, t);
		scatter(a, row, t, work->b, work->parts[thread]);
	}
	add_part(operator, work->parts[thread], work->sums[thread],
		 a->m * work->b);
	free(t);
}

static void begin_apply(struct apply *work)
{
	unsigned threads = work->operator->threads;

	work->parts = alloc(threads, sizeof *work->parts);
	work->sums = alloc(threads, sizeof *work->sums);
}

static void end_apply(struct apply *work, double *y)
{
	const struct operator *operator = work->operator;

	settle(operator, work->sums, operator->matrix->m * work->b, y);
	for (unsigned t = 0; t < operator->threads; t++)
		free(work->parts[t]);
	free(work->parts);
	free(work->sums);
}

/* out[j] = sum over tags of weight (or 1) times X's column j */
static void column_sums(const struct operator *operator, const double *weight,
			const double *x, size_t x_ld, size_t b, double *out)
{
	memset(out, 0, b * sizeof *out);
	for (size_t i = 0; i < operator->matrix->m; i++)
		for (size_t j = 0; j < b; j++)
			out[j] += (weight ? weight[i] : 1) * x[i * x_ld + j];
}

/* Y -= what centring takes of A^T A X; see center_gram. */
static void center_product(const struct operator *operator, const double *x,
			   size_t x_ld, size_t b, double *y)
{
	const double *w = operator->row_mean, *c = operator->column_mean;
	double *ones = alloc(b, sizeof *ones), *part = alloc(b, sizeof *part);

	column_sums(operator, NULL, x, x_ld, b, ones);
	column_sums(operator, w ? w : c, x, x_ld, b, part);
	for (size_t i = 0; i < operator->matrix->m; i++)
		for (size_t j = 0; j < b; j++)
			if (w != NULL)
				y[i * b + j] -= w[i] * ones[j] + part[j] -
					operator->row_square * ones[j];
			else
				y[i * b + j] -= (double)operator->matrix->n *
					c[i] * part[j];
	free(ones);
	free(part);
}

void operator_apply(const struct operator *operator, const double *x,
		    size_t x_ld, size_t b, double *y)
{
	struct apply work = { .operator = operator, .x = x, .x_ld = x_ld,
			      .b = b };

	begin_apply(&work);
	team_run(operator->threads, operator->chunks, apply_chunk, &work);
	end_apply(&work, y);
	if (operator->center != CENTER_NONE)
		center_product(operator, x, x_ld, b, y);
}

/* -------------------------------------------------------------- last pass */

void operator_row(const struct operator *operator, size_t row, const double *v,
		  size_t k, const double *ones, const double *shift, double *t)
{
	const struct matrix *a = operator->matrix;

	gather(a, row, v, k, k, t);
	if (operator->center == CENTER_ROW) {
		double sum = 0;
		for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++)
			sum += (double)a->values[i];
		for (size_t j = 0; j < k; j++)
			t[j] -= sum / (double)a->m * ones[j];
	} else if (operator->center == CENTER_COLUMN) {
		for (size_t j = 0; j < k; j++)
			t[j] -= shift[j];
	}
}

static void last_chunk(void *shared, size_t piece, unsigned thread)
{
	struct apply *work = shared;
	const struct operator *operator = work->operator;
	size_t chunk = work->first + piece, b = work->b;
	size_t base = operator->chunk_begin[work->first];

	prepare(work, thread);
	for (size_t row = operator->chunk_begin[chunk];
	     row < operator->chunk_begin[chunk + 1]; row++) {
		double *t = work->t + (row - base) * b;
		operator_row(operator, row, work->x, b, work->ones,
			     work->shift, t);
		scatter(operator->matrix, row, t, b, work->parts[thread]);
	}
	add_part(operator, work->parts[thread], work->sums[thread],
		 operator->matrix->m * b);
}

/* What scatter of centred rows lacks of B^T T: for rows 1 (mu^T T), for
 * columns c (1^T T). */
struct lack {
	const struct operator *operator;
	double *sums;		/* k */
};

static void add_lack(struct lack *lack, size_t first, size_t rows,
		     const double *t, size_t k)
{
	const struct matrix *a = lack->operator->matrix;

	for (size_t i = 0; i < rows; i++) {
		double factor = 1;
		if (lack->operator->center == CENTER_ROW) {
			factor = 0;
			for (int64_t j = a->indptr[first + i];
			     j < a->indptr[first + i + 1]; j++)
				factor += (double)a->values[j];
			factor /= (double)a->m;
		}
		for (size_t j = 0; j < k; j++)
			lack->sums[j] += factor * t[i * k + j];
	}
}

static void subtract_lack(const struct lack *lack, size_t k, double *y)
{
	const struct operator *operator = lack->operator;

	for (size_t i = 0; i < operator->matrix->m; i++)
		for (size_t j = 0; j < k; j++)
			y[i * k + j] -= lack->sums[j] *
				(operator->column_mean ?
				 operator->column_mean[i] : 1);
}

void operator_last(const struct operator *operator, const double *v, size_t k,
		   void (*take)(void *context, size_t first, size_t rows,
				const double *t),
		   void *context, double *y)
{
	struct apply work = { .operator = operator, .x = v, .x_ld = k, .b = k };
	double *ones = alloc(k, sizeof *ones), *shift = alloc(k, sizeof *shift);
	struct lack lack = { .operator = operator,
			     .sums = alloc(k, sizeof *lack.sums) };

	column_sums(operator, NULL, v, k, k, ones);
	if (operator->column_mean != NULL)
		column_sums(operator, operator->column_mean, v, k, k, shift);
	work.ones = ones;
	work.shift = shift;
	begin_apply(&work);
	/* A batch is a chunk for each thread. */
	for (; work.first < operator->chunks; work.first += operator->threads) {
		size_t pieces = operator->chunks - work.first;
		if (pieces > operator->threads)
			pieces = operator->threads;
		size_t first = operator->chunk_begin[work.first];
		size_t rows = operator->chunk_begin[work.first + pieces] -
			first;
		work.t = alloc_resize(work.t, alloc_product(rows, k),
				      sizeof *work.t);
		team_run(operator->threads, pieces, last_chunk, &work);
		if (operator->center != CENTER_NONE)
			add_lack(&lack, first, rows, work.t, k);
		take(context, first, rows, work.t);
		progress_add(rows);
	}
	end_apply(&work, y);
	if (operator->center != CENTER_NONE)
		subtract_lack(&lack, k, y);
	free(work.t);
	free(ones);
	free(shift);
	free(lack.sums);
}
