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
	/* Packed rows of a panel stay in the second-level cache. */
	PANEL_BYTES = 512 * 1024,
	PANEL_ROWS = 1536,
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

/* What a thread has at hand. */
struct desk {
	float *asking;       /* the panel's rows, packed in groups */
	float *asking_least; /* of each */
	float *rows;         /* a block, packed */
	_Alignas(64) float rows_least[TILE_ROWS];
	_Alignas(64) float scores[TILE_QUERIES * TILE_ROWS];
	uint64_t above[TILE_QUERIES];
};

/* to[j * stride] = the row as it is compared; what is not begins with a NaN,
 * which makes its scores NaN, above nothing. */
static void pack(const struct mutual *mutual, size_t row, float *to,
		 size_t stride)
{
	double factor = row < mutual->n ? mutual->factors[row] : 0;

	if (factor != 0) {
		tile_scale(to, stride, mutual->rows + row * mutual->d,
			   mutual->d, factor);
		return;
	}
	for (size_t j = 0; j < mutual->d; j++)
		to[j * stride] = j == 0 ? NAN : 0;
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
	if (!mutual->every && list_bar(list) > least)
		least = score_below(mutual->metric, list_bar(list));
	atomic_store_explicit(&job->least[row], least, memory_order_relaxed);
	pthread_mutex_unlock(lock);
	return least;
}

/* Offer what is above a bar in a tile: rows of a group with rows of a block,
 * each pair once. */
static void offer_tile(struct job *job, struct desk *desk, size_t group,
		       float *group_least, size_t block)
{
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		size_t row = group + i;
		uint64_t above = desk->above[i];

		if (row >= block)
			above &= row - block >= TILE_ROWS - 1
					 ? 0
					 : UINT64_MAX << (row - block + 1);
		for (; above != 0; above &= above - 1) {
			unsigned r = (unsigned)__builtin_ctzll(above);
			float score = desk->scores[i * TILE_ROWS + r];

			if (score > group_least[i])
				group_least[i] =
					offer(job, row, score, block + r);
			if (score > desk->rows_least[r])
				desk->rows_least[r] =
					offer(job, block + r, score, row);
		}
	}
}

/* A block with all groups of the panel that have a row before its last. */
static void meet(struct job *job, struct desk *desk, size_t first, size_t end,
		 size_t block)
{
	size_t d = job->mutual->d;

	for (size_t r = 0; r < TILE_ROWS; r++) {
		pack(job->mutual, block + r, desk->rows + r, TILE_ROWS);
		desk->rows_least[r] = least_of(job, block + r);
	}
	for (size_t row = first; row < end; row++)
		desk->asking_least[row - first] = least_of(job, row);
	for (size_t group = first; group < end && group < block + TILE_ROWS - 1;
	     group += TILE_QUERIES) {
		float *least = desk->asking_least + (group - first);

		job->mutual->kernel->tile(
			desk->asking + (group - first) * d, desk->rows, d,
			least, desk->rows_least, desk->scores, desk->above);
		offer_tile(job, desk, group, least, block);
	}
}

/* A panel with the rows that come after. */
static void run_panel(void *shared, size_t piece, unsigned thread)
{
	struct job *job = shared;
	const struct mutual *mutual = job->mutual;
	size_t d = mutual->d, first = piece * job->panel;
	size_t end = first + job->panel;
	struct desk *desk = alloc_aligned(1, sizeof *desk);

	(void)thread;
	desk->asking = alloc_aligned(alloc_product(job->panel, d),
				     sizeof *desk->asking);
	desk->asking_least = alloc(job->panel, sizeof *desk->asking_least);
	desk->rows =
		alloc_aligned(alloc_product(TILE_ROWS, d), sizeof *desk->rows);
	for (size_t i = 0; i < job->panel; i++)
		pack(mutual, first + i,
		     desk->asking + i / TILE_QUERIES * TILE_QUERIES * d +
			     i % TILE_QUERIES,
		     TILE_QUERIES);
	for (size_t block = first / TILE_ROWS * TILE_ROWS; block < mutual->n;
	     block += TILE_ROWS)
		meet(job, desk, first, end, block);
	free(desk->asking);
	free(desk->asking_least);
	free(desk->rows);
	free(desk);
	if (!mutual->quiet)
		progress_add(end < mutual->n ? job->panel : mutual->n - first);
}

static size_t choose_panel(const struct mutual *mutual)
{
	size_t panel = PANEL_BYTES / sizeof(float) / mutual->d;
	size_t share = mutual->n / ((size_t)mutual->threads * PANELS) + 1;

	if (panel > PANEL_ROWS)
		panel = PANEL_ROWS;
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
