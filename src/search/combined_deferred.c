#include "search/combined_deferred.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"

/* Queries that are scanned together, at most. */
enum { GROUP_QUERIES = 16 };

/* The scan: groups of size queries each, the last may be smaller. */
struct deferred_scan {
	struct combined_job *job;
	size_t size;
};

static int compare_rows(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void combined_defer(struct combined_job *job, struct active_query *active,
		    struct combined_worker *worker)
{
	struct deferred_query *deferred =
		&job->deferred[atomic_fetch_add(&job->deferred_count, 1)];
	size_t count = active->scored_count;

	*deferred = (struct deferred_query){
		.query = (size_t)(active->query - job->queries),
		.bounds = worker->candidates.bounds,
		.threshold = worker->candidates.threshold,
		.scored = alloc(count, sizeof *deferred->scored),
		.scored_count = count,
	};
	if (count > 0)
		memcpy(deferred->scored, worker->scored,
		       count * sizeof *deferred->scored);
	if (count > 1)
		qsort(deferred->scored, count, sizeof *deferred->scored,
		      compare_rows);
}

/* Push the rows of a tile that mask names to the query's list, unless their
 * codes prove them below the threshold. */
static void score_rows(struct combined_job *job,
		       struct deferred_query *deferred,
		       struct combined_worker *worker, size_t first,
		       uint64_t mask)
{
	const struct combined_options *search = &job->search;
	struct active_query active = {.query = &job->queries[deferred->query],
				      .top = &job->tops[deferred->query]};

	active.side = combined_row_side(search, active.query);
	combined_scatter_query(worker, active.query, 1);
	for (; mask != 0; mask &= mask - 1) {
		size_t row = first + (size_t)__builtin_ctzll(mask);
		uint32_t key = (uint32_t)row;

		if (!combined_may_be_result(search, active.query, row) ||
		    combined_bounds_by_codes(&deferred->bounds, key, 0).high <
			    deferred->threshold ||
		    (deferred->scored_count > 0 &&
		     bsearch(&key, deferred->scored, deferred->scored_count,
			     sizeof key, compare_rows) != NULL))
			continue;
		combined_score_row(search, &active, worker, row);
		if (!search->count_matching &&
		    active.top->count >= active.top->limit &&
		    active.top->threshold > deferred->threshold)
			deferred->threshold = active.top->threshold;
	}
	combined_scatter_query(worker, active.query, 0);
}

/* Scan all rows for a group. */
static void scan_group(void *shared, size_t group, unsigned thread)
{
	const struct deferred_scan *scan = shared;
	struct combined_job *job = scan->job;
	const struct combined_options *search = &job->search;
	struct combined_worker *worker = &search->workspace->workers[thread];
	size_t begin = group * scan->size, end = begin + scan->size;
	struct bounds_tile tile;

	if (end > job->deferred_count)
		end = job->deferred_count;
	for (size_t row = 0; row < search->matrix->n; row += BOUNDS_TILE) {
		combined_bounds_tile(search->index, &search->similarity, row,
				     &tile);
		for (size_t q = begin; q < end; q++) {
			struct deferred_query *deferred = &job->deferred[q];
			uint64_t mask = combined_bounds_tile_mask(
				&deferred->bounds, &tile, deferred->threshold);

			if (mask != 0)
				score_rows(job, deferred, worker, row, mask);
		}
	}
}

void combined_deferred_run(struct combined_job *job)
{
	size_t count = job->deferred_count, threads = job->search.threads;
	struct deferred_scan scan = {job, (count + threads - 1) / threads};

	if (scan.size > GROUP_QUERIES)
		scan.size = GROUP_QUERIES;
	if (count > 0)
		thread_pool_run(job->search.threads,
				(count + scan.size - 1) / scan.size, scan_group,
				&scan);
}

void combined_deferred_free(struct combined_job *job)
{
	for (size_t q = 0; q < job->deferred_count; q++) {
		combined_bounds_end(&job->deferred[q].bounds);
		free(job->deferred[q].scored);
	}
	free(job->deferred);
	job->deferred = NULL;
}
