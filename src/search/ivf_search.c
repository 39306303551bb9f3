#include "search/ivf_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/thread_pool.h"
#include "search/coarse_quantizer.h"
#include "search/exact_search.h"
#include "search/ivf_panel.h"
#include "search/ivf_scan.h"

/* Count the rows that may be results, in total and for each cell unless the
 * caller has. */
static void count_eligible(struct ivf_job *job, const size_t *counts)
{
	const struct ivf_index *index = job->index;
	size_t *own = alloc(index->cells, sizeof *own);

	ivf_index_count(index, job->search->allowed, own);
	job->all_eligible = 0;
	for (size_t cell = 0; cell < index->cells; cell++)
		job->all_eligible += own[cell];
	job->allowed_counts = own;
	job->counts = counts ? counts : own;
}

/* Queries in a piece of work, in whole tiles. */
enum { CHOICE_QUERIES = 32 * TILE_QUERIES };

/* The choice of cells for all queries. */
struct cell_choice {
	struct ivf_job *job;
	struct coarse_quantizer quantizer;
	size_t probes;
};

/* How many of the first cells hold enough rows, probes at least; count + 1 if
 * all do not. */
static size_t cells_needed(const struct ivf_job *job, const uint32_t *cells,
			   size_t count, size_t probes)
{
	/* One of the rows counted may be the query itself. */
	size_t wanted = job->search->limit + 1, seen = 0, needed = 0;

	for (; needed < probes || seen < wanted; needed++) {
		if (needed == count)
			return count + 1;
		seen += job->counts[cells[needed]];
	}
	return needed;
}

/* Set the cells of a query, number i of the tile: as many as probes, or more
 * where these hold too few rows. */
static void set_cells(const struct cell_choice *cell_choice,
		      struct coarse_query *query_tile, size_t i, size_t query,
		      uint32_t *cells)
{
	struct ivf_job *job = cell_choice->job;
	size_t count =
		coarse_query_nearest(query_tile, i, cell_choice->probes, cells);
	size_t needed = cells_needed(job, cells, count, cell_choice->probes);

	if (needed > count && count == cell_choice->probes) {
		count = coarse_query_nearest(query_tile, i, job->index->cells,
					     cells);
		needed = cells_needed(job, cells, count, cell_choice->probes);
	}
	if (needed < count)
		count = needed;
	job->cell_counts[query] = count;
	job->cells[query] = alloc(count, sizeof **job->cells);
	memcpy(job->cells[query], cells, count * sizeof *cells);
}

static void choose_piece(void *shared, size_t piece, unsigned thread)
{
	const struct cell_choice *cell_choice = shared;
	struct ivf_job *job = cell_choice->job;
	size_t first = piece * CHOICE_QUERIES, end = first + CHOICE_QUERIES;
	uint32_t *cells = alloc(job->index->cells, sizeof *cells);
	struct coarse_query query_tile;

	(void)thread;
	if (end > job->count)
		end = job->count;
	coarse_query_begin(&query_tile, &cell_choice->quantizer);
	for (size_t q = first; q < end; q += TILE_QUERIES) {
		size_t count = end - q < TILE_QUERIES ? end - q : TILE_QUERIES;

		for (size_t i = 0; i < TILE_QUERIES; i++)
			coarse_query_put(&query_tile, i,
					 i < count ? job->queries[q + i].vector
						   : NULL,
					 i < count ? job->factors[q + i] : 0);
		coarse_query_score(&query_tile);
		for (size_t i = 0; i < count; i++)
			set_cells(cell_choice, &query_tile, i, q + i, cells);
	}
	coarse_query_end(&query_tile);
	free(cells);
}

/* Choose the cells of each query, nearest first; none for a zero vector. */
static const char *choose_cells(struct ivf_job *job, size_t probes)
{
	const struct ivf_index *index = job->index;
	struct cell_choice cell_choice = {.job = job, .probes = probes};

	if (probes > index->cells)
		cell_choice.probes = index->cells;
	if (!coarse_quantizer_begin(&cell_choice.quantizer, index->centroids,
				    index->cells, index->d, job->filter.kernel))
		return "tensor index.centroids is damaged";
	thread_pool_run(job->search->threads,
			(job->count + CHOICE_QUERIES - 1) / CHOICE_QUERIES,
			choose_piece, &cell_choice);
	coarse_quantizer_end(&cell_choice.quantizer);
	return NULL;
}

static const char *prepare_queries(struct ivf_job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		double square =
			dot_square_norm(job->queries[q].vector, job->index->d);

		if (!isfinite(square))
			return "a query's vector is not finite";
		job->factors[q] = square == 0 ? 0 : 1 / sqrt(square);
		job->results[q].zero = square == 0;
	}
	return NULL;
}

/* The cosine of a row with itself is 1 by definition. */
static void finish_query(struct ivf_job *job, size_t place)
{
	size_t query = job->order ? job->order[place] : place;
	struct search_result *results = &job->results[query];
	struct topk *list = &job->lists[place];
	size_t self = job->queries[query].self;
	bool own = self != ROW_NONE && !results->zero &&
		   search_allows(job->search, self);

	if (own && job->search->with_self)
		topk_push(list, METRIC_EMBEDDING, 1, (uint32_t)self);
	results->hits = topk_finish(list);
	results->count = list->count;
	results->matching = list->matching;
	results->candidates =
		results->zero
			? 0
			: job->all_eligible - (own && !job->search->with_self);
}

static void search_cells(struct ivf_job *job)
{
	if (job->count <= IVF_INDEX_FEW_QUERIES)
		ivf_scan_cells(job);
	else
		ivf_panel_cells(job);
}

static void free_job(struct ivf_job *job)
{
	for (size_t q = 0; job->cells != NULL && q < job->count; q++)
		free(job->cells[q]);
	free(job->cells);
	free(job->cell_counts);
	free(job->order);
	free(job->thresholds);
	free(job->allowed_counts);
	free(job->factors);
	free(job->lists);
}

const char *ivf_search_run(const struct ivf_index *index,
			   const struct search_options *search, size_t probes,
			   const size_t *counts, struct search_batch *batch)
{
	size_t count = batch->count;
	struct ivf_job job = {
		.index = index,
		.search = search,
		.queries = batch->queries,
		.count = count,
		.results = batch->results,
		.filter = exact_search_filter(search, count / index->cells),
		.bounds = index->bounds ? index->bounds : int8_kernel_best(),
		.factors = alloc(count, sizeof *job.factors),
		.lists = alloc(count, sizeof *job.lists),
		.bad_row = ROW_NONE,
		.all_eligible = index->nonzero,
	};
	const char *error;

	memset(batch->results, 0, count * sizeof *batch->results);
	batch->zeros = index->n - index->nonzero;
	error = prepare_queries(&job);
	if (error == NULL && (search->allowed != NULL || probes > 0))
		count_eligible(&job, counts);
	if (error == NULL && probes > 0) {
		job.cells = alloc(count, sizeof *job.cells);
		job.cell_counts = alloc(count, sizeof *job.cell_counts);
		error = choose_cells(&job, probes);
	}
	if (error == NULL && probes > 0)
		search_cells(&job);
	else if (error == NULL)
		ivf_scan_all(&job);
	if (error == NULL && job.bad_row != ROW_NONE)
		error = error_text("its index is damaged, or row %zu of the "
				   "embedding",
				   (size_t)job.bad_row);
	if (error == NULL && job.bad_place)
		error = "tensor index.rows is damaged";
	for (size_t q = 0; q < count && error == NULL; q++)
		finish_query(&job, q);
	for (size_t q = 0; q < count && error != NULL; q++)
		topk_free(&job.lists[q]);
	free_job(&job);
	return error;
}
