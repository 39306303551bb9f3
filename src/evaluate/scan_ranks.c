#include "evaluate/scan_ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"

enum { Q = SCAN_QUERIES, TILE = SCAN_TILE };

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
	scan_worker_multiply(worker, job->scan, worker->count);
	for (size_t i = 0; i < job->count; i++) {
		scan_worker_score(worker, job->scan, &job->methods[i],
				  worker->count);
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

	scan_worker_load(worker, scan, piece * Q, true);
	find_own(job, worker, counts);
	for (size_t first = 0; first < n; first += TILE) {
		size_t rows = fill_tile(worker, first, n);
		scan_worker_multiply(worker, scan, rows);
		for (size_t i = 0; i < job->count; i++) {
			scan_worker_score(worker, scan, &job->methods[i], rows);
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
	scan_worker_clear(worker, scan, true);
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
		job->workers[t] = scan_worker_begin(job->scan);
	thread_pool_run(threads, (queries + Q - 1) / Q, work, job);
	for (unsigned t = 0; t < threads; t++)
		scan_worker_end(job->workers[t]);
	free(job->workers);
}

void scan_ranks(const struct similarity_scan *scan,
		const struct scan_method *methods, size_t count, double *ranks,
		double *matched)
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
	double least;   /* what is not above it does not enter */
	double last[Q]; /* the last score of each, or least: what is above it
			   enters */
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
	list->last[q] = fmax(list->least, list->score[q][SCAN_NEAREST - 1]);
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

	for (size_t i = 0; i < job->count; i++) {
		lists[i].least = job->methods[i].positive ? 0 : -INFINITY;
		for (size_t q = 0; q < Q; q++) {
			lists[i].last[q] = lists[i].least;
			for (size_t r = 0; r < SCAN_NEAREST; r++) {
				lists[i].score[q][r] = -INFINITY;
				lists[i].id[q][r] = UINT32_MAX;
			}
		}
	}
	scan_worker_load(worker, scan, piece * Q, false);
	for (size_t first = 0; first < n; first += TILE) {
		size_t rows = fill_tile(worker, first, n);
		scan_worker_multiply(worker, scan, rows);
		for (size_t i = 0; i < job->count; i++) {
			scan_worker_score(worker, scan, &job->methods[i], rows);
			push_tile(worker, rows, &lists[i]);
		}
	}
	for (size_t i = 0; i < job->count; i++)
		memcpy(job->nearest + (i * s + piece * Q) * SCAN_NEAREST,
		       lists[i].id,
		       worker->count * SCAN_NEAREST * sizeof *job->nearest);
	scan_worker_clear(worker, scan, false);
	free(lists);
	progress_add(worker->count);
}

void scan_nearest(const struct similarity_scan *scan,
		  const struct scan_method *methods, size_t count,
		  uint32_t *nearest)
{
	struct scan_job job = {.scan = scan,
			       .methods = methods,
			       .count = count,
			       .nearest = nearest};

	run(&job, nearest_block);
}
