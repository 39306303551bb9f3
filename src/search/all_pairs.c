#include "search/all_pairs.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/filter_refine.h"
#include "base/progress.h"
#include "base/thread_pool.h"

enum {
	/* Panels for each thread, at least, if there are rows enough: the last
	 * ones are short, since each pair is scored once. */
	PANELS_PER_THREAD = 8,
	/* Mutexes of the lists: row r uses number r % LOCKS. */
	LOCKS = 1024
};

struct all_pairs_job {
	const struct all_pairs *search;
	size_t panel_rows; /* rows, a multiple of TILE_QUERIES */
	/* For each row: a score must be above to enter its list.  It only
	 * rises, so an old one lets too much through and never too little. */
	_Atomic float *thresholds;
	pthread_mutex_t locks[LOCKS];
};

/* Working memory of a thread: a panel of rows as queries, and the block of
 * later rows that it is scored against. */
struct worker {
	struct all_pairs_job *job;
	struct query_batch batch;
	struct panel panel; /* of the batch */
	struct packed_block rows;
	size_t first, block; /* their first rows */
	_Alignas(64) float row_thresholds[TILE_ROWS];
};

static float threshold_of(const struct all_pairs_job *job, size_t row)
{
	return row < job->search->n
		       ? atomic_load_explicit(&job->thresholds[row],
					      memory_order_relaxed)
		       : INFINITY;
}

/* Push a score to a row's list. Returns the row's new threshold: rows are
 * pushed in no order, so an equal score may still enter. */
static float push_score(struct all_pairs_job *job, size_t row, float score,
			size_t other)
{
	const struct all_pairs *search = job->search;
	pthread_mutex_t *lock = &job->locks[row % LOCKS];
	struct topk *list = &search->lists[row];
	float threshold, bound;

	pthread_mutex_lock(lock);
	topk_push(list, search->metric, score, (uint32_t)other);
	threshold = atomic_load_explicit(&job->thresholds[row],
					 memory_order_relaxed);
	bound = search->count_matching
			? threshold
			: score_below(search->metric, list->threshold);
	threshold = bound > threshold ? bound : threshold;
	atomic_store_explicit(&job->thresholds[row], threshold,
			      memory_order_relaxed);
	pthread_mutex_unlock(lock);
	return threshold;
}

/* Push a pair, of which a < b, to the lists of both. */
static void push_pair(void *shared, size_t query, size_t row, float score)
{
	struct worker *worker = shared;
	size_t a = worker->first + query, b = worker->block + row;
	float *a_threshold = &worker->panel.thresholds[query];
	float *b_threshold = &worker->row_thresholds[row];

	if (a >= b)
		return;
	if (score > *a_threshold)
		*a_threshold = push_score(worker->job, a, score, b);
	if (score > *b_threshold)
		*b_threshold = push_score(worker->job, b, score, a);
}

/* Score the block against the groups of the panel that have a row before the
 * end of the block. */
static void score_rows(struct worker *worker, size_t rows)
{
	const struct all_pairs *search = worker->job->search;
	const struct block_run run = {.blocks = &worker->rows.block,
				      .count = 1};
	size_t before = worker->block + TILE_ROWS - 1 - worker->first;

	packed_block_fill(&worker->rows, search->rows, search->factors,
			  worker->block, search->n);
	for (size_t r = 0; r < TILE_ROWS; r++)
		worker->row_thresholds[r] =
			threshold_of(worker->job, worker->block + r);
	for (size_t i = 0; i < rows; i++)
		worker->panel.thresholds[i] =
			threshold_of(worker->job, worker->first + i);
	panel_score(&worker->panel,
		    ((before < rows ? before : rows) + TILE_QUERIES - 1) /
			    TILE_QUERIES,
		    &run, worker->row_thresholds, push_pair, worker);
}

static void worker_begin(struct worker *worker, struct all_pairs_job *job,
			 size_t panel)
{
	const struct all_pairs *search = job->search;
	size_t first = panel * job->panel_rows;

	worker->job = job;
	worker->first = first;
	query_batch_begin(&worker->batch, search->filter, job->panel_rows);
	panel_begin(&worker->panel, search->filter, job->panel_rows);
	packed_block_begin(&worker->rows, search->filter);
	for (size_t i = 0; i < job->panel_rows; i++) {
		size_t row = first + i;

		if (row < search->n)
			query_batch_put(&worker->batch, i,
					search->rows + row * search->d,
					search->factors[row]);
		panel_set_query(&worker->panel, i, worker->batch.each[i]);
	}
}

static void worker_end(struct worker *worker)
{
	query_batch_end(&worker->batch);
	panel_end(&worker->panel);
	packed_block_end(&worker->rows);
	free(worker);
}

/* Raise the thresholds of a panel's rows by the int8 lower bounds of its first
 * blocks. */
static void raise_thresholds(void *shared, size_t piece, unsigned thread)
{
	struct all_pairs_job *job = shared;
	const struct all_pairs *search = job->search;
	struct worker *worker = alloc_aligned(1, sizeof *worker);
	struct packed_block packed[FILTER_RUN_BLOCKS];
	struct row_block blocks[FILTER_RUN_BLOCKS];
	uint64_t rows[FILTER_RUN_BLOCKS];
	/* One of the rows counted may be the query itself. */
	struct block_run run = {blocks, 0, rows, search->limit + 1};

	(void)thread;
	worker_begin(worker, job, piece);
	for (size_t block = worker->first;
	     run.count < filter_run_length(search->filter) && block < search->n;
	     block += TILE_ROWS) {
		packed_block_begin(&packed[run.count], search->filter);
		rows[run.count] =
			packed_block_fill(&packed[run.count], search->rows,
					  search->factors, block, search->n);
		blocks[run.count] = packed[run.count].block;
		run.count++;
	}
	for (size_t i = 0; i < job->panel_rows; i++)
		worker->panel.thresholds[i] =
			threshold_of(job, worker->first + i);
	panel_raise_thresholds(&worker->panel, worker->panel.group_count, &run);
	for (size_t i = 0; i < job->panel_rows && worker->first + i < search->n;
	     i++)
		atomic_store_explicit(&job->thresholds[worker->first + i],
				      worker->panel.thresholds[i],
				      memory_order_relaxed);
	while (run.count > 0)
		packed_block_end(&packed[--run.count]);
	worker_end(worker);
}

/* Score a panel against all rows from its first on. */
static void run_panel(void *shared, size_t piece, unsigned thread)
{
	struct all_pairs_job *job = shared;
	const struct all_pairs *search = job->search;
	struct worker *worker = alloc_aligned(1, sizeof *worker);
	size_t end;

	(void)thread;
	worker_begin(worker, job, piece);
	end = worker->first + job->panel_rows;
	for (worker->block = worker->first / TILE_ROWS * TILE_ROWS;
	     worker->block < search->n; worker->block += TILE_ROWS)
		score_rows(worker, job->panel_rows);
	if (!search->quiet)
		progress_add(end < search->n ? job->panel_rows
					     : search->n - worker->first);
	worker_end(worker);
}

static size_t choose_panel(const struct all_pairs *search)
{
	size_t panel = filter_panel_size(search->filter);
	size_t share =
		search->n / ((size_t)search->threads * PANELS_PER_THREAD) + 1;

	if (panel > share)
		panel = share;
	if (panel < 16 * TILE_QUERIES)
		panel = 16 * TILE_QUERIES;
	return (panel + TILE_QUERIES - 1) / TILE_QUERIES * TILE_QUERIES;
}

void all_pairs_search(const struct all_pairs *search)
{
	struct all_pairs_job *job = alloc(1, sizeof *job);
	size_t panels;

	job->search = search;
	job->panel_rows = choose_panel(search);
	job->thresholds = alloc(search->n, sizeof *job->thresholds);
	for (size_t row = 0; row < search->n; row++)
		atomic_init(&job->thresholds[row], search->threshold);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&job->locks[i], NULL);
	panels = search->n / job->panel_rows +
		 (search->n % job->panel_rows != 0);
	if (!search->count_matching && search->filter->bounds != NULL)
		thread_pool_run(search->threads, panels, raise_thresholds, job);
	thread_pool_run(search->threads, panels, run_panel, job);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&job->locks[i]);
	free(job->thresholds);
	free(job);
}
