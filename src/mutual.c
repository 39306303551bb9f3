#include "mutual.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "progress.h"
#include "team.h"

enum {
	/* Panels for each thread at least, where there are rows enough. */
	PANELS = 8,
	/* Locks of lists: row r has lock r % LOCKS. */
	LOCKS = 1024
};

struct job {
	const struct mutual *mutual;
	size_t panel; /* rows, a multiple of TILE_QUERIES */
	/* For each row: a score must be above to enter its list.  It only
	 * rises, so an old one lets too much through and never too little. */
	_Atomic float *least;
	pthread_mutex_t locks[LOCKS];
};

/* What a thread has at hand: a panel of rows, and a block of those that come
 * after. */
struct desk {
	struct job *job;
	struct askers askers;
	struct panel asking; /* of them */
	struct packed rows;
	size_t first, block; /* their first rows */
	_Alignas(64) float rows_least[TILE_ROWS];
};

/* What a row is compared times; 0: not at all. */
static double factor_of(const struct mutual *mutual, size_t row)
{
	return row < mutual->n ? mutual->factors[row] : 0;
}

static const float *vector_of(const struct mutual *mutual, size_t row)
{
	return row < mutual->n ? mutual->rows + row * mutual->d : NULL;
}

static float least_of(const struct job *job, size_t row)
{
	return row < job->mutual->n ? atomic_load_explicit(&job->least[row],
							   memory_order_relaxed)
				    : INFINITY;
}

/* Offer a score to a row's list; returns what the next must be above: rows
 * come in no order, so one as high may enter. */
static float offer(struct job *job, size_t row, float score, size_t other)
{
	const struct mutual *mutual = job->mutual;
	pthread_mutex_t *lock = &job->locks[row % LOCKS];
	struct list *list = &mutual->lists[row];
	float least = mutual->floor;

	pthread_mutex_lock(lock);
	list_offer(list, mutual->metric, score, (uint32_t)other);
	if (!mutual->every && list->bar > least)
		least = score_below(mutual->metric, list->bar);
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
	const struct mutual *mutual = desk->job->mutual;
	size_t before = desk->block + TILE_ROWS - 1 - desk->first;

	for (size_t r = 0; r < TILE_ROWS; r++) {
		packed_put(&desk->rows, mutual->sieve, r,
			   vector_of(mutual, desk->block + r),
			   factor_of(mutual, desk->block + r));
		desk->rows_least[r] = least_of(desk->job, desk->block + r);
	}
	for (size_t i = 0; i < rows; i++)
		desk->asking.least[i] = least_of(desk->job, desk->first + i);
	panel_meet(&desk->asking,
		   ((before < rows ? before : rows) + TILE_QUERIES - 1) /
			   TILE_QUERIES,
		   &desk->rows.block, desk->rows_least, offer_pair, desk);
}

/* A panel with the rows that come after. */
static void run_panel(void *shared, size_t piece, unsigned thread)
{
	struct job *job = shared;
	const struct mutual *mutual = job->mutual;
	size_t first = piece * job->panel, end = first + job->panel;
	struct desk *desk = alloc_aligned(1, sizeof *desk);

	(void)thread;
	desk->job = job;
	desk->first = first;
	askers_begin(&desk->askers, mutual->sieve, job->panel);
	panel_begin(&desk->asking, mutual->sieve, job->panel);
	packed_begin(&desk->rows, mutual->sieve);
	for (size_t i = 0; i < job->panel; i++) {
		askers_put(&desk->askers, i, vector_of(mutual, first + i),
			   factor_of(mutual, first + i));
		panel_put(&desk->asking, i, desk->askers.each[i]);
	}
	for (desk->block = first / TILE_ROWS * TILE_ROWS;
	     desk->block < mutual->n; desk->block += TILE_ROWS)
		meet(desk, job->panel);
	askers_end(&desk->askers);
	panel_end(&desk->asking);
	packed_end(&desk->rows);
	free(desk);
	if (!mutual->quiet)
		progress_add(end < mutual->n ? job->panel : mutual->n - first);
}

static size_t choose_panel(const struct mutual *mutual)
{
	size_t panel = sieve_panel(mutual->sieve);
	size_t share = mutual->n / ((size_t)mutual->threads * PANELS) + 1;

	if (panel > share)
		panel = share;
	if (panel < 16 * TILE_QUERIES)
		panel = 16 * TILE_QUERIES;
	return (panel + TILE_QUERIES - 1) / TILE_QUERIES * TILE_QUERIES;
}

void mutual_search(const struct mutual *mutual)
{
	struct job *job = alloc(1, sizeof *job);

	job->mutual = mutual;
	job->panel = choose_panel(mutual);
	job->least = alloc(mutual->n, sizeof *job->least);
	for (size_t row = 0; row < mutual->n; row++)
		atomic_init(&job->least[row], mutual->floor);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&job->locks[i], NULL);
	team_run(mutual->threads,
		 mutual->n / job->panel + (mutual->n % job->panel != 0),
		 run_panel, job);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&job->locks[i]);
	free(job->least);
	free(job);
}
