#include "evaluate/similarity_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/combined_score.h"

enum { Q = SCAN_QUERIES };

/* Doubles from 2^22 on are multiples of 2^-30. */
static const double ROUNDING = 0x1.8p22;

/* ------------------------------------------------------------- preparation */

static double kept(const struct similarity_scan *scan, int32_t column)
{
	return scan->keep == NULL || scan->keep[column] ? 1 : 0;
}

static double inverse_of(const struct similarity_scan *scan,
			 const struct csr_matrix *matrix, uint32_t row)
{
	double square = 0;

	if (row == HALVES_NO_ROW)
		return 0;
	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1];
	     i++) {
		double value = (double)matrix->values[i];
		square += value * value * kept(scan, matrix->indices[i]);
	}
	return square > 0 ? 1 / sqrt(square) : 0;
}

static double log_tags(const struct csr_matrix *matrix, uint32_t row)
{
	if (row == HALVES_NO_ROW)
		return 0;
	return log((double)(matrix->indptr[row + 1] - matrix->indptr[row]));
}

static void add_cut(struct similarity_scan *scan, size_t k)
{
	size_t at = 0;

	while (at < scan->cut_count && scan->cuts[at] < k)
		at++;
	if (at < scan->cut_count && scan->cuts[at] == k)
		return;
	memmove(scan->cuts + at + 1, scan->cuts + at,
		(scan->cut_count - at) * sizeof *scan->cuts);
	scan->cuts[at] = k;
	scan->cut_count++;
}

static size_t cut_at(const struct similarity_scan *scan, size_t k)
{
	size_t at = 0;

	while (scan->cuts[at] != k)
		at++;
	return at;
}

/* |x| of a row by its first cuts[c] dimensions, for each c; step apart. */
static void measure(const struct similarity_scan *scan, const float *x,
		    double inverse, double *lengths, size_t step)
{
	double square = 0;

	for (size_t c = 0, d = 0; c < scan->cut_count; c++) {
		for (; d < scan->cuts[c]; d++)
			square += (double)x[d] * (double)x[d];
		lengths[c * step] = sqrt(square) * inverse;
	}
}

/* The mean similarity of each row to all, itself too. */
static void find_popularity(struct similarity_scan *scan)
{
	const struct csr_matrix *a = &scan->pair->model.matrix;
	size_t n = scan->population->n;
	double *sum = alloc(a->m, sizeof *sum);

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++) {
			uint32_t row = scan->pair->row_a[i];
			double dot = 0, inverse = scan->inverse_a[i];
			if (row == HALVES_NO_ROW)
				continue;
			for (int64_t j = a->indptr[row]; j < a->indptr[row + 1];
			     j++) {
				double value = (double)a->values[j] * inverse;
				if (pass == 0)
					sum[a->indices[j]] += value;
				else
					dot += value * sum[a->indices[j]];
			}
			scan->popularity[i] = dot / (double)n;
		}
	free(sum);
}

void similarity_scan_begin(struct similarity_scan *scan,
			   const struct half_pair *pair,
			   const struct population *population,
			   const struct scan_method *methods, size_t count,
			   const unsigned char *keep, unsigned threads)
{
	const struct model *model = &pair->model;
	size_t n = population->n;

	*scan = (struct similarity_scan){.pair = pair,
					 .population = population,
					 .threads = threads,
					 .keep = keep};
	for (size_t i = 0; i < count; i++)
		if (methods[i].metric >= SCAN_EMBEDDING)
			add_cut(scan, methods[i].k);
	projection_model(&scan->embed, model);
	scan->lengths = alloc(scan->cut_count * n + 1, sizeof *scan->lengths);
	scan->popularity = alloc(n, sizeof *scan->popularity);
	scan->log_a = alloc(n, sizeof *scan->log_a);
	scan->log_b = alloc(n, sizeof *scan->log_b);
	scan->inverse_a = alloc(n, sizeof *scan->inverse_a);
	scan->inverse_b = alloc(n, sizeof *scan->inverse_b);
	for (size_t i = 0; i < n; i++) {
		uint32_t row = pair->row_a[i];
		scan->log_a[i] = log_tags(&model->matrix, row);
		scan->log_b[i] = log_tags(&pair->held.matrix, pair->row_b[i]);
		scan->inverse_a[i] = inverse_of(scan, &model->matrix, row);
		if (pair->same_columns)
			scan->inverse_b[i] = inverse_of(
				scan, &pair->held.matrix, pair->row_b[i]);
		if (row != HALVES_NO_ROW)
			measure(scan, model->embedding + row * model->k,
				scan->inverse_a[i], scan->lengths + i, n);
	}
	find_popularity(scan);
}

void similarity_scan_end(struct similarity_scan *scan)
{
	projection_end(&scan->embed);
	free(scan->lengths);
	free(scan->popularity);
	free(scan->log_a);
	free(scan->log_b);
	free(scan->inverse_a);
	free(scan->inverse_b);
}

/* ------------------------------------------------------------------ queries */

struct scan_worker *scan_worker_begin(const struct similarity_scan *scan)
{
	struct scan_worker *worker = alloc(1, sizeof *worker);

	worker->dense = alloc(alloc_product(scan->pair->model.matrix.m, Q),
			      sizeof *worker->dense);
	worker->x = alloc(alloc_product(scan->embed.ld, Q), sizeof *worker->x);
	worker->t = alloc_aligned(scan->embed.ld, sizeof *worker->t);
	worker->row = alloc(scan->embed.ld, sizeof *worker->row);
	return worker;
}

void scan_worker_end(struct scan_worker *worker)
{
	free(worker->dense);
	free(worker->x);
	free(worker->t);
	free(worker->row);
	free(worker);
}

/* Write a row, times factor, to column q of the dense block; factor 0 clears
 * what was written there. */
static void scatter(struct scan_worker *worker,
		    const struct similarity_scan *scan,
		    const struct csr_matrix *matrix, uint32_t row, size_t q,
		    double factor)
{
	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1];
	     i++) {
		int32_t column = matrix->indices[i];
		worker->dense[(size_t)column * Q + q] =
			(double)matrix->values[i] * factor * kept(scan, column);
	}
}

/* Take the queries of a block, from half A or from half B, folded in. */
void scan_worker_load(struct scan_worker *worker,
		      const struct similarity_scan *scan, size_t first,
		      bool held)
{
	const struct population *population = scan->population;
	const struct half_pair *pair = scan->pair;
	const struct model *model = &pair->model;
	const struct csr_matrix *matrix =
		held ? &pair->held.matrix : &model->matrix;
	size_t left = population->query_count - first, k = model->k;

	worker->count = left < Q ? left : Q;
	memset(worker->x, 0, scan->embed.ld * Q * sizeof *worker->x);
	memset(worker->length, 0, sizeof worker->length);
	for (size_t q = 0; q < worker->count; q++) {
		uint32_t i = population->queries[first + q];
		uint32_t row = held ? pair->row_b[i] : pair->row_a[i];
		double inverse = held ? scan->inverse_b[i] : scan->inverse_a[i];
		const float *x = worker->row;
		worker->query[q] = i;
		worker->log_tags[q] = held ? scan->log_b[i] : scan->log_a[i];
		if (row == HALVES_NO_ROW)
			continue;
		scatter(worker, scan, matrix, row, q, inverse);
		if (held) {
			projection_row(&scan->embed, matrix, row, worker->t);
			projection_scale(&scan->embed, matrix, row, worker->t,
					 worker->row);
		} else {
			x = model->embedding + row * k;
		}
		measure(scan, x, inverse, &worker->length[0][q], Q);
		for (size_t d = 0; d < k; d++)
			worker->x[d * Q + q] = (double)x[d] * inverse;
	}
}

void scan_worker_clear(struct scan_worker *worker,
		       const struct similarity_scan *scan, bool held)
{
	const struct half_pair *pair = scan->pair;

	for (size_t q = 0; q < worker->count; q++) {
		uint32_t i = worker->query[q];
		uint32_t row = held ? pair->row_b[i] : pair->row_a[i];
		if (row != HALVES_NO_ROW)
			scatter(worker, scan,
				held ? &pair->held.matrix : &pair->model.matrix,
				row, q, 0);
	}
}

/* ------------------------------------------------------------------ scoring */

/* products and dots of the tile's customers with the queries. */
void scan_worker_multiply(struct scan_worker *worker,
			  const struct similarity_scan *scan, size_t rows)
{
	const struct model *model = &scan->pair->model;
	const struct csr_matrix *a = &model->matrix;

	for (size_t r = 0; r < rows; r++) {
		uint32_t id = worker->ids[r], row = scan->pair->row_a[id];
		double inverse = scan->inverse_a[id];
		double sum[Q] = {0}, dot[Q] = {0};
		bool there = row != HALVES_NO_ROW;
		for (int64_t i = there ? a->indptr[row] : 0;
		     there && i < a->indptr[row + 1]; i++) {
			double value = (double)a->values[i] * inverse;
			const double *from =
				worker->dense + (size_t)a->indices[i] * Q;
			for (size_t q = 0; q < Q; q++)
				sum[q] += value * from[q];
		}
		memcpy(worker->products + r * Q, sum, sizeof sum);
		for (size_t c = 0, d = 0; c < scan->cut_count; c++) {
			for (; there && d < scan->cuts[c]; d++) {
				double value =
					(double)model
						->embedding[row * model->k +
							    d] *
					inverse;
				const double *from = worker->x + d * Q;
				for (size_t q = 0; q < Q; q++)
					dot[q] += value * from[q];
			}
			memcpy(worker->dots[c] + r * Q, dot, sizeof dot);
		}
	}
}

static double inverse_or_zero(double x)
{
	return x > 0 ? 1 / x : 0;
}

/* The terms of a row of length 1 whose embedding has that length. */
static struct score_terms terms_of(const struct similarity *similarity,
				   double length)
{
	const struct score_side side =
		score_side_make(similarity, 1, length * length);

	return combined_terms(similarity, &side);
}

static void score_combined(struct scan_worker *worker,
			   const struct similarity_scan *scan,
			   const struct scan_method *method, size_t rows)
{
	const struct similarity similarity = {.alpha = method->alpha};
	size_t n = scan->population->n, cut = cut_at(scan, method->k);
	double root_q[Q], held_q[Q], inverse_q[Q];

	for (size_t q = 0; q < Q; q++) {
		struct score_terms terms =
			terms_of(&similarity, worker->length[cut][q]);

		root_q[q] = terms.root;
		held_q[q] = terms.held;
		inverse_q[q] = terms.inverse;
	}
	for (size_t r = 0; r < rows; r++) {
		struct score_terms y = terms_of(
			&similarity, scan->lengths[cut * n + worker->ids[r]]);
		const double *dot = worker->dots[cut] + r * Q;
		const double *product = worker->products + r * Q;
		double *score = worker->scores + r * Q;

		for (size_t q = 0; q < Q; q++)
			score[q] = (dot[q] * (y.root * root_q[q] -
					      y.held * held_q[q]) +
				    product[q]) *
				   y.inverse * inverse_q[q];
	}
}

static void score_embedding(struct scan_worker *worker,
			    const struct similarity_scan *scan,
			    const struct scan_method *method, size_t rows)
{
	size_t n = scan->population->n, cut = cut_at(scan, method->k);
	double inverse_q[Q];

	for (size_t q = 0; q < Q; q++)
		inverse_q[q] = inverse_or_zero(worker->length[cut][q]);
	for (size_t r = 0; r < rows; r++) {
		double inverse = inverse_or_zero(
			scan->lengths[cut * n + worker->ids[r]]);
		for (size_t q = 0; q < Q; q++)
			worker->scores[r * Q + q] =
				worker->dots[cut][r * Q + q] * inverse *
				inverse_q[q];
	}
}

/* Below every s - r / 2. */
static const double shares_nothing = -2;

/* Subtract half of a row's r from its scores of a tile, rounded as they are;
 * rows that share nothing with a query, whose score is 0, come last. */
static void subtract_hub(struct scan_worker *worker,
			 const struct similarity_scan *scan, const float *hub,
			 size_t rows)
{
	for (size_t r = 0; r < rows; r++) {
		uint32_t row = scan->pair->row_a[worker->ids[r]];
		double half = row != HALVES_NO_ROW ? (double)hub[row] / 2 : 0;
		double *score = worker->scores + r * Q;

		for (size_t q = 0; q < Q; q++)
			score[q] =
				score[q] > 0 || score[q] < 0
					? score[q] - half + ROUNDING - ROUNDING
					: shares_nothing;
	}
}

/* Set worker->scores by a method, for the tile that was multiplied. */
void scan_worker_score(struct scan_worker *worker,
		       const struct similarity_scan *scan,
		       const struct scan_method *method, size_t rows)
{
	double *scores = worker->scores;

	switch (method->metric) {
	case SCAN_ACTIVITY:
		for (size_t i = 0; i < rows * Q; i++)
			scores[i] = -fabs(scan->log_a[worker->ids[i / Q]] -
					  worker->log_tags[i % Q]);
		break;
	case SCAN_POPULARITY:
		for (size_t i = 0; i < rows * Q; i++)
			scores[i] = scan->popularity[worker->ids[i / Q]];
		break;
	case SCAN_PROFILE:
		memcpy(scores, worker->products, rows * Q * sizeof *scores);
		break;
	case SCAN_EMBEDDING:
		score_embedding(worker, scan, method, rows);
		break;
	case SCAN_COMBINED:
		score_combined(worker, scan, method, rows);
		break;
	}
	for (size_t i = 0; i < rows * Q; i++)
		scores[i] = scores[i] + ROUNDING - ROUNDING;
	if (method->hub != NULL)
		subtract_hub(worker, scan, method->hub, rows);
}
