#include "search/all_pairs.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "base/thread_pool.h"

enum {
	/* Panels for each thread at least, where there are rows enough. */
	PANELS = 8,
	/* Locks of lists: row r has lock r % LOCKS. */
	LOCKS = 1024
};

struct batch_job {
	const struct all_pairs *mutual;
	size_t panel; /* rows, a multiple of TILE_QUERIES */
	/* For each row: a score must be above to enter its list.  It only
	 * rises, so an old one lets too much through and never too little. */
	_Atomic float *least;
	pthread_mutex_t locks[LOCKS];
};

/* What a thread has at hand: a panel of rows, and a block of those that come
 * after. */
struct desk {
	struct batch_job *job;
	struct query_batch askers;
	struct panel asking; /* of them */
	struct packed_block rows;
	size_t first, block; /* their first rows */
	_Alignas(64) float rows_least[TILE_ROWS];
};

static float least_of(const struct batch_job *job, size_t row)
{
	return row < job->mutual->n ? atomic_load_explicit(&job->least[row],
							   memory_order_relaxed)
				    : INFINITY;
}

/* Offer a score to a row's list; returns what the next must be above: rows
 * come in no order, so one as high may enter. */
static float offer(struct batch_job *job, size_t row, float score, size_t other)
{
	const struct all_pairs *mutual = job->mutual;
	pthread_mutex_t *lock = &job->locks[row % LOCKS];
	struct topk *list = &mutual->lists[row];
	float least, bar;

	pthread_mutex_lock(lock);
	topk_push(list, mutual->metric, score, (uint32_t)other);
	least = atomic_load_explicit(&job->least[row], memory_order_relaxed);
	bar = mutual->every ? least : score_below(mutual->metric, list->bar);
	least = bar > least ? bar : least;
	atomic_store_explicit(&job->least[row], least, memory_order_relaxed);
	pthread_mutex_unlock(lock);
	return least;
}

/* Each pair once. */
static void offer_pair(void *shared, size_t query, size_t row, float score)
{
	struct desk *desk = shared;
	size_t a = desk->first + query, b = desk->block + row;
	float *a_least = &desk->asking.least[query];
	float *b_least = &desk->rows_least[row];

	if (a >= b)
		return;
	if (score > *a_least)
		*a_least = offer(desk->job, a, score, b);
	if (score > *b_least)
		*b_least = offer(desk->job, b, score, a);
}

/* A block with all groups of the panel that have a row before its last. */
static void meet(struct desk *desk, size_t rows)
{
	const struct all_pairs *mutual = desk->job->mutual;
	const struct block_run run = {.blocks = &desk->rows.block, .count = 1};
	size_t before = desk->block + TILE_ROWS - 1 - desk->first;

	packed_block_fill(&desk->rows, mutual->rows, mutual->factors,
			  desk->block, mutual->n);
	for (size_t r = 0; r < TILE_ROWS; r++)
		desk->rows_least[r] = least_of(desk->job, desk->block + r);
	for (size_t i = 0; i < rows; i++)
		desk->asking.least[i] = least_of(desk->job, desk->first + i);
	panel_score(&desk->asking,
		    ((before < rows ? before : rows) + TILE_QUERIES - 1) /
			    TILE_QUERIES,
		    &run, desk->rows_least, offer_pair, desk);
}

static void desk_begin(struct desk *desk, struct batch_job *job, size_t panel)
{
	const struct all_pairs *mutual = job->mutual;
	size_t first = panel * job->panel;

	desk->job = job;
	desk->first = first;
	query_batch_begin(&desk->askers, mutual->sieve, job->panel);
	panel_begin(&desk->asking, mutual->sieve, job->panel);
	packed_block_begin(&desk->rows, mutual->sieve);
	for (size_t i = 0; i < job->panel; i++) {
		size_t row = first + i;

		if (row < mutual->n)
			query_batch_put(&desk->askers, i,
					mutual->rows + row * mutual->d,
					mutual->factors[row]);
		panel_set_query(&desk->asking, i, desk->askers.each[i]);
	}
}

static void desk_end(struct desk *desk)
{
	query_batch_end(&desk->askers);
	panel_end(&desk->asking);
	packed_block_end(&desk->rows);
	free(desk);
}

/* Bars of a panel's rows, by what the bytes of its first blocks tell. */
static void raise_panel(void *shared, size_t piece, unsigned thread)
{
	struct batch_job *job = shared;
	const struct all_pairs *mutual = job->mutual;
	struct desk *desk = alloc_aligned(1, sizeof *desk);
	struct packed_block packed[FILTER_RUN_BLOCKS];
	struct row_block blocks[FILTER_RUN_BLOCKS];
	uint64_t rows[FILTER_RUN_BLOCKS];
	/* One of those that count is the row itself. */
	struct block_run run = {blocks, 0, rows, mutual->limit + 1};

	(void)thread;
	desk_begin(desk, job, piece);
	for (size_t block = desk->first;
	     run.count < filter_run_length(mutual->sieve) && block < mutual->n;
	     block += TILE_ROWS) {
		packed_block_begin(&packed[run.count], mutual->sieve);
		rows[run.count] =
			packed_block_fill(&packed[run.count], mutual->rows,
					  mutual->factors, block, mutual->n);
		blocks[run.count] = packed[run.count].block;
		run.count++;
	}
	for (size_t i = 0; i < job->panel; i++)
		desk->asking.least[i] = least_of(job, desk->first + i);
	panel_raise_thresholds(&desk->asking, desk->asking.group_by_count,
			       &run);
	for (size_t i = 0; i < job->panel && desk->first + i < mutual->n; i++)
		atomic_store_explicit(&job->least[desk->first + i],
				      desk->asking.least[i],
				      memory_order_relaxed);
	while (run.count > 0)
		packed_block_end(&packed[--run.count]);
	desk_end(desk);
}

/* A panel with the rows that come after. */
static void run_panel(void *shared, size_t piece, unsigned thread)
{
	struct batch_job *job = shared;
	const struct all_pairs *mutual = job->mutual;
	struct desk *desk = alloc_aligned(1, sizeof *desk);
	size_t end;

	(void)thread;
	desk_begin(desk, job, piece);
	end = desk->first + job->panel;
	for (desk->block = desk->first / TILE_ROWS * TILE_ROWS;
	     desk->block < mutual->n; desk->block += TILE_ROWS)
		meet(desk, job->panel);
	if (!mutual->quiet)
		progress_add(end < mutual->n ? job->panel
					     : mutual->n - desk->first);
	desk_end(desk);
}

static size_t choose_panel(const struct all_pairs *mutual)
{
	size_t panel = filter_panel_size(mutual->sieve);
	size_t share = mutual->n / ((size_t)mutual->threads * PANELS) + 1;

	if (panel > share)
		panel = share;
	if (panel < 16 * TILE_QUERIES)
		panel = 16 * TILE_QUERIES;
	return (panel + TILE_QUERIES - 1) / TILE_QUERIES * TILE_QUERIES;
}

void all_pairs_search(const struct all_pairs *mutual)
{
	struct batch_job *job = alloc(1, sizeof *job);
	size_t panels;

	job->mutual = mutual;
	job->panel = choose_panel(mutual);
	job->least = alloc(mutual->n, sizeof *job->least);
	for (size_t row = 0; row < mutual->n; row++)
		atomic_init(&job->least[row], mutual->floor);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&job->locks[i], NULL);
	panels = mutual->n / job->panel + (mutual->n % job->panel != 0);
	if (!mutual->every && mutual->sieve->bounds != NULL)
		thread_pool_run(mutual->threads, panels, raise_panel, job);
	thread_pool_run(mutual->threads, panels, run_panel, job);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&job->locks[i]);
	free(job->least);
	free(job);
}
