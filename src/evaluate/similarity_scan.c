#include "evaluate/similarity_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"

enum { Q = SCAN_QUERIES, TILE = SCAN_TILE };

/* Doubles from 2^22 on are multiples of 2^-30. */
static const double ROUNDING = 0x1.8p22;

/* The work of a thread: a block of queries, and a tile of customers. */
struct scan_worker {
	uint32_t query[Q]; /* indices of the population */
	size_t count;
	double *dense; /* m x Q: rows of the queries, of length 1 */
	double *x;     /* k x Q: their embeddings */
	double length[SCAN_CUTS][Q];
	double log_tags[Q];
	double *t;                        /* a row's embedding, in the making */
	float *row;                       /* the same, k */
	uint32_t ids[TILE];               /* customers of the tile */
	double products[TILE * Q];        /* a_q . a_y */
	double dots[SCAN_CUTS][TILE * Q]; /* x_q . x_y */
	double scores[TILE * Q];
};

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

static struct scan_worker *worker_begin(const struct similarity_scan *scan)
{
	struct scan_worker *worker = alloc(1, sizeof *worker);

	worker->dense = alloc(alloc_product(scan->pair->model.matrix.m, Q),
			      sizeof *worker->dense);
	worker->x = alloc(alloc_product(scan->embed.ld, Q), sizeof *worker->x);
	worker->t = alloc_aligned(scan->embed.ld, sizeof *worker->t);
	worker->row = alloc(scan->embed.ld, sizeof *worker->row);
	return worker;
}

static void worker_end(struct scan_worker *worker)
{
	free(worker->dense);
	free(worker->x);
	free(worker->t);
	free(worker->row);
	free(worker);
}

/* Write a row, times factor, to column q of the dense block; factor 0 clears
 * what was written there. */
static void spread(struct scan_worker *worker,
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
static void take_queries(struct scan_worker *worker,
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
		spread(worker, scan, matrix, row, q, inverse);
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

static void clear_queries(struct scan_worker *worker,
			  const struct similarity_scan *scan, bool held)
{
	const struct half_pair *pair = scan->pair;

	for (size_t q = 0; q < worker->count; q++) {
		uint32_t i = worker->query[q];
		uint32_t row = held ? pair->row_b[i] : pair->row_a[i];
		if (row != HALVES_NO_ROW)
			spread(worker, scan,
			       held ? &pair->held.matrix : &pair->model.matrix,
			       row, q, 0);
	}
}

/* ------------------------------------------------------------------ scoring */

/* products and dots of the tile's customers with the queries. */
static void multiply(struct scan_worker *worker,
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

/* K(x, x) of the combined similarity. */
static double self_kernel(double alpha, double length)
{
	double rest = 1 - length * length;

	return alpha * length + (rest > 0 ? rest : 0);
}

static void score_combined(struct scan_worker *worker,
			   const struct similarity_scan *scan,
			   const struct scan_method *method, size_t rows)
{
	size_t n = scan->population->n, cut = cut_at(scan, method->k);
	double root_q[Q], scale_q[Q];

	for (size_t q = 0; q < Q; q++) {
		double length = worker->length[cut][q];
		root_q[q] = inverse_or_zero(sqrt(length));
		scale_q[q] = inverse_or_zero(
			sqrt(self_kernel(method->alpha, length)));
	}
	for (size_t r = 0; r < rows; r++) {
		double length = scan->lengths[cut * n + worker->ids[r]];
		double root = method->alpha * inverse_or_zero(sqrt(length));
		double scale = inverse_or_zero(
			sqrt(self_kernel(method->alpha, length)));
		const double *dot = worker->dots[cut] + r * Q;
		const double *product = worker->products + r * Q;
		double *score = worker->scores + r * Q;
		for (size_t q = 0; q < Q; q++)
			score[q] = (dot[q] * root * root_q[q] +
				    (product[q] - dot[q])) *
				   scale * scale_q[q];
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

/* Set worker->scores by a method, for the tile that was multiplied. */
static void score(struct scan_worker *worker,
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
}

/* -------------------------------------------------------------------- ranks */

struct rank_counts {
	double own[Q];
	/* Customers more, and equally, similar; of all, and of the tenth. */
	int64_t above[Q], equal[Q], above_tenth[Q], equal_tenth[Q];
};

struct scan_job {
	const struct similarity_scan *scan;
	const struct scan_method *methods;
	size_t count;
	double *ranks, *matched;
	uint32_t *nearest;
	struct scan_worker **workers; /* of each thread */
};

static size_t fill_tile(struct scan_worker *worker, size_t first, size_t n)
{
	size_t rows = n - first < TILE ? n - first : TILE;

	for (size_t r = 0; r < rows; r++)
		worker->ids[r] = (uint32_t)(first + r);
	return rows;
}

static void find_own(struct scan_job *job, struct scan_worker *worker,
		     struct rank_counts *counts)
{
	memcpy(worker->ids, worker->query, worker->count * sizeof *worker->ids);
	multiply(worker, job->scan, worker->count);
	for (size_t i = 0; i < job->count; i++) {
		score(worker, job->scan, &job->methods[i], worker->count);
		for (size_t q = 0; q < worker->count; q++)
			counts[i].own[q] = worker->scores[q * Q + q];
	}
}

static void count_tile(const struct scan_worker *worker,
		       const unsigned char *tenth, size_t rows,
		       struct rank_counts *counts)
{
	int64_t tenth_q[Q];

	for (size_t q = 0; q < Q; q++)
		tenth_q[q] = q < worker->count ? tenth[worker->query[q]] : -1;
	for (size_t r = 0; r < rows; r++) {
		const double *s = worker->scores + r * Q;
		int64_t here = tenth[worker->ids[r]];
		for (size_t q = 0; q < Q; q++) {
			int64_t above = s[q] > counts->own[q];
			int64_t equal = s[q] == counts->own[q];
			int64_t same = here == tenth_q[q];
			counts->above[q] += above;
			counts->equal[q] += equal;
			counts->above_tenth[q] += above & same;
			counts->equal_tenth[q] += equal & same;
		}
	}
}

/* 1 + those above + half of the others that are equal. */
static double rank_of(int64_t above, int64_t equal)
{
	return 1 + (double)above + (double)(equal - 1) / 2;
}

static void rank_block(void *shared, size_t piece, unsigned thread)
{
	struct scan_job *job = shared;
	const struct similarity_scan *scan = job->scan;
	struct scan_worker *worker = job->workers[thread];
	size_t n = scan->population->n, s = scan->population->query_count;
	struct rank_counts *counts = alloc(job->count, sizeof *counts);

	take_queries(worker, scan, piece * Q, true);
	find_own(job, worker, counts);
	for (size_t first = 0; first < n; first += TILE) {
		size_t rows = fill_tile(worker, first, n);
		multiply(worker, scan, rows);
		for (size_t i = 0; i < job->count; i++) {
			score(worker, scan, &job->methods[i], rows);
			count_tile(worker, scan->population->tenth, rows,
				   &counts[i]);
		}
	}
	for (size_t i = 0; i < job->count; i++)
		for (size_t q = 0; q < worker->count; q++) {
			size_t at = i * s + piece * Q + q;
			job->ranks[at] =
				rank_of(counts[i].above[q], counts[i].equal[q]);
			job->matched[at] = rank_of(counts[i].above_tenth[q],
						   counts[i].equal_tenth[q]);
		}
	clear_queries(worker, scan, true);
	free(counts);
	progress_add(worker->count);
}

static void run(struct scan_job *job,
		void (*work)(void *shared, size_t piece, unsigned thread))
{
	unsigned threads = job->scan->threads;
	size_t queries = job->scan->population->query_count;

	job->workers = alloc(threads, sizeof(struct scan_worker *));
	for (unsigned t = 0; t < threads; t++)
		job->workers[t] = worker_begin(job->scan);
	thread_pool_run(threads, (queries + Q - 1) / Q, work, job);
	for (unsigned t = 0; t < threads; t++)
		worker_end(job->workers[t]);
	free(job->workers);
}

void similarity_scan_ranks(const struct similarity_scan *scan,
			   const struct scan_method *methods, size_t count,
			   double *ranks, double *matched)
{
	struct scan_job job = {.scan = scan,
			       .methods = methods,
			       .count = count,
			       .ranks = ranks,
			       .matched = matched};

	run(&job, rank_block);
}

/* ------------------------------------------------------------------ nearest */

struct near_list {
	double score[Q][SCAN_NEAREST];
	uint32_t id[Q][SCAN_NEAREST];
	double last[Q]; /* the last score of each: what is above it enters */
};

static void near_push(struct near_list *list, size_t q, double value,
		      uint32_t id)
{
	size_t at = SCAN_NEAREST - 1;

	for (; at > 0 && list->score[q][at - 1] < value; at--) {
		list->score[q][at] = list->score[q][at - 1];
		list->id[q][at] = list->id[q][at - 1];
	}
	list->score[q][at] = value;
	list->id[q][at] = id;
	list->last[q] = list->score[q][SCAN_NEAREST - 1];
}

static void push_tile(const struct scan_worker *worker, size_t rows,
		      struct near_list *list)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t q = 0; q < worker->count; q++) {
			double value = worker->scores[r * Q + q];
			if (value > list->last[q] &&
			    worker->ids[r] != worker->query[q])
				near_push(list, q, value, worker->ids[r]);
		}
}

static void nearest_block(void *shared, size_t piece, unsigned thread)
{
	struct scan_job *job = shared;
	const struct similarity_scan *scan = job->scan;
	struct scan_worker *worker = job->workers[thread];
	size_t n = scan->population->n, s = scan->population->query_count;
	struct near_list *lists = alloc(job->count, sizeof *lists);

	for (size_t i = 0; i < job->count; i++)
		for (size_t q = 0; q < Q; q++) {
			lists[i].last[q] = -INFINITY;
			for (size_t r = 0; r < SCAN_NEAREST; r++) {
				lists[i].score[q][r] = -INFINITY;
				lists[i].id[q][r] = UINT32_MAX;
			}
		}
	take_queries(worker, scan, piece * Q, false);
	for (size_t first = 0; first < n; first += TILE) {
		size_t rows = fill_tile(worker, first, n);
		multiply(worker, scan, rows);
		for (size_t i = 0; i < job->count; i++) {
			score(worker, scan, &job->methods[i], rows);
			push_tile(worker, rows, &lists[i]);
		}
	}
	for (size_t i = 0; i < job->count; i++)
		memcpy(job->nearest + (i * s + piece * Q) * SCAN_NEAREST,
		       lists[i].id,
		       worker->count * SCAN_NEAREST * sizeof *job->nearest);
	clear_queries(worker, scan, false);
	free(lists);
	progress_add(worker->count);
}

void similarity_scan_nearest(const struct similarity_scan *scan,
			     const struct scan_method *methods, size_t count,
			     uint32_t *nearest)
{
	struct scan_job job = {.scan = scan,
			       .methods = methods,
			       .count = count,
			       .nearest = nearest};

	run(&job, nearest_block);
}
