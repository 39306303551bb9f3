#include "search/combined_search.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/recovery.h"
#include "base/thread_pool.h"
#include "search/bad_row.h"
#include "search/combined_candidates.h"
#include "search/combined_deferred.h"
#include "search/combined_direct.h"
#include "search/combined_indexed.h"
#include "search/combined_job.h"

enum {
	/* Every row that may be a result is scored where there are so few, and
	 * they are a small share of all rows. */
	DIRECT_ROWS = 5000,
	DIRECT_SHARE = 8,
	RANGES = 4 /* of the rows, for each thread */
};

struct combined_workspace *combined_workspace_new(unsigned threads, size_t m)
{
	struct combined_workspace *workspace = alloc(1, sizeof *workspace);

	workspace->count = threads;
	workspace->workers = alloc(threads, sizeof *workspace->workers);
	for (unsigned t = 0; t < threads; t++) {
		candidates_begin(&workspace->workers[t].candidates);
		workspace->workers[t].dense_query =
			alloc(m, sizeof *workspace->workers[t].dense_query);
	}
	return workspace;
}

void combined_workspace_free(struct combined_workspace *workspace)
{
	for (unsigned t = 0; workspace != NULL && t < workspace->count; t++) {
		candidates_end(&workspace->workers[t].candidates);
		free(workspace->workers[t].dense_query);
		free(workspace->workers[t].scored);
	}
	if (workspace != NULL)
		free(workspace->workers);
	free(workspace);
}

/* Have what the workspace holds outlive the work of base/recovery.h that this
 * thread does: it may be left, and its memory freed, while another search has
 * the workspace. */
static void workspace_keep(struct combined_workspace *workspace)
{
	for (unsigned t = 0; t < workspace->count; t++) {
		candidates_keep(&workspace->workers[t].candidates);
		recovery_forget(workspace->workers[t].scored);
	}
}

/* After a search that was left. */
static void workspace_clear(struct combined_workspace *workspace, size_t m)
{
	for (unsigned t = 0; t < workspace->count; t++) {
		struct combined_worker *worker = &workspace->workers[t];

		candidates_clear(&worker->candidates);
		memset(worker->dense_query, 0, m * sizeof *worker->dense_query);
	}
}

static void finish_query(struct combined_job *job, size_t query)
{
	struct topk *list = &job->tops[query * job->ranges];
	struct search_result *result = &job->results[query];

	if (job->ranges > 1) {
		struct topk all;
		size_t n = job->search.matrix->n;

		topk_begin(&all, job->search.limit < n ? job->search.limit : n,
			   combined_min_score(job, query));
		for (size_t r = 0; r < job->ranges; r++)
			topk_merge(&all, &list[r]);
		*list = all;
	}
	result->hits = topk_finish(list);
	result->count = list->count;
	result->matching = list->matching;
}

static void run_piece(void *shared, size_t piece, unsigned thread)
{
	struct combined_job *job = shared;
	const struct combined_options *search = &job->search;
	struct combined_worker *worker = &search->workspace->workers[thread];
	size_t query = piece / job->ranges, range = piece % job->ranges;
	size_t n = search->matrix->n;
	struct active_query active = {.query = &job->queries[query],
				      .top = &job->tops[piece]};
	bool few = job->eligible[0] < DIRECT_ROWS &&
		   job->eligible[0] < n / DIRECT_SHARE;
	bool complete = true;

	active.side = combined_row_side(search, active.query);
	topk_begin(active.top, search->limit < n ? search->limit : n,
		   combined_min_score(job, query));
	combined_scatter_query(worker, active.query, 1);
	if (search->index == NULL || few)
		combined_direct_search(job, &active, worker, range);
	else if (!job->results[query].zero)
		complete = combined_indexed_search(job, &active, worker);
	combined_scatter_query(worker, active.query, 0);
	if (job->ranges == 1 && complete)
		finish_query(job, query);
	if (range + 1 == job->ranges && !search->quiet)
		progress_add(1);
}

/* Finish the queries that no piece could: those that are deferred, or whose
 * rows are cut into ranges. */
static void finish_rest(struct combined_job *job)
{
	combined_deferred_run(job);
	for (size_t i = 0; i < job->deferred_count; i++)
		finish_query(job, job->deferred[i].query);
	combined_deferred_free(job);
	for (size_t q = 0; job->ranges > 1 && q < job->count; q++)
		finish_query(job, q);
}

/* How many rows with weight may be results. */
static size_t count_eligible(const struct combined_options *search)
{
	const struct inverted_index *index = search->index;
	size_t n = search->matrix->n, count = 0;

	if (search->allowed == NULL)
		return n - index->zeros;
	for (size_t row = 0; row < n; row++)
		count += bitset_test(index->weighted, row) &&
			 bitset_test(search->allowed, row);
	return count;
}

/* True if the query is a row that is eligible, but not a result of itself. */
static bool omits_own_row(const struct combined_options *search,
			  const struct search_query *query)
{
	struct search_query own;

	if (query->self == ROW_NONE || search->with_self ||
	    (search->allowed != NULL &&
	     !bitset_test(search->allowed, query->self)))
		return false;
	own = search_query_row(search->matrix, search->embedding, search->d,
			       query->self, ROW_NONE);
	return row_square(own.values, own.count) > 0;
}

/* Set the counts of candidates of every query, the same whichever way the
 * results were found.  Returns the number of rows without weight. */
static size_t count_candidates(struct combined_job *job)
{
	const struct combined_options *search = &job->search;
	size_t eligible = 0, zeros = 0;

	for (size_t r = 0; r < job->ranges; r++) {
		eligible += job->eligible[r];
		zeros += job->zeros[r];
	}
	for (size_t q = 0; q < job->count; q++)
		if (!job->results[q].zero)
			job->results[q].candidates =
				eligible -
				omits_own_row(search, &job->queries[q]);
	return zeros;
}

/* Choose what the caller left open, and allocate. */
static void job_begin(struct combined_job *job)
{
	struct combined_options *search = &job->search;

	if (search->threads == 0)
		search->threads = 1;
	if (search->kernel == NULL)
		search->kernel = combined_kernel_best();
	job->ranges = 1;
	if (search->index == NULL && job->count < search->threads)
		job->ranges = (size_t)search->threads * RANGES;
	job->tops = alloc(alloc_product(job->count, job->ranges),
			  sizeof *job->tops);
	job->eligible = alloc(job->ranges, sizeof *job->eligible);
	job->zeros = alloc(job->ranges, sizeof *job->zeros);
	job->deferred = alloc(job->count, sizeof *job->deferred);
	for (size_t q = 0; q < job->count; q++)
		job->results[q].zero = !(row_square(job->queries[q].values,
						    job->queries[q].count) > 0);
	if (search->index != NULL) {
		job->eligible[0] = count_eligible(search);
		job->zeros[0] = search->index->zeros;
	}
	/* Last: once it is taken, nothing fails here. */
	job->owns_workspace =
		search->workspace == NULL ||
		search->workspace->count < search->threads ||
		atomic_flag_test_and_set(&search->workspace->taken);
	if (job->owns_workspace)
		search->workspace = combined_workspace_new(search->threads,
							   search->matrix->m);
}

static void find_all(void *context)
{
	struct combined_job *job = context;

	thread_pool_run(job->search.threads,
			alloc_product(job->count, job->ranges), run_piece, job);
	finish_rest(job);
}

/* The same with the workspace of others, which is given back even where the
 * work of base/recovery.h is left. */
static void find_all_by_lent(struct combined_job *job)
{
	struct combined_workspace *workspace = job->search.workspace;
	bool done = true;

	if (recovery_current() == NULL)
		find_all(job);
	else
		done = recovery_run_part(recovery_current(), find_all, job);
	workspace_keep(workspace);
	if (!done)
		workspace_clear(workspace, job->search.matrix->m);
	atomic_flag_clear(&workspace->taken);
	if (!done)
		recovery_leave();
}

const char *combined_search_run(const struct combined_options *search,
				struct search_batch *batch)
{
	struct combined_job job = {
		.search = *search,
		.queries = batch->queries,
		.count = batch->count,
		.results = batch->results,
		.first_bad_row = ROW_NONE,
	};
	const char *error = NULL;

	memset(batch->results, 0, batch->count * sizeof *batch->results);
	batch->zeros = 0;
	if (search->matrix->n > UINT32_MAX)
		return "more than 4,294,967,295 customers";
	job_begin(&job);
	if (job.owns_workspace)
		find_all(&job);
	else
		find_all_by_lent(&job);
	if (job.first_bad_row != ROW_NONE) {
		search_results_free(batch->results, batch->count);
		error = bad_row_error(search->matrix, job.first_bad_row);
	} else {
		batch->zeros = count_candidates(&job);
	}
	if (job.owns_workspace)
		combined_workspace_free(job.search.workspace);
	free(job.tops);
	free(job.eligible);
	free(job.zeros);
	return error;
}
