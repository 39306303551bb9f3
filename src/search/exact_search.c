#include "search/exact_search.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/filter_refine.h"
#include "base/errors.h"
#include "search/all_pairs.h"
#include "search/exact_job.h"
#include "search/exact_panel.h"
#include "search/exact_scan.h"
#include "base/progress.h"
#include "base/thread_pool.h"

enum {
	/* Fewer queries are slower with the int8 filter: quantizing the rows
	 * costs more than the exact scores that it saves. */
	MIN_FILTERED_QUERIES = 48,
	/* Pieces of work for each thread, so that none waits long for the last.
	 */
	PIECES_PER_THREAD = 4,
	/* The smallest range of rows that is a piece of work. */
	MIN_RANGE_ROWS = 2048,
	/* Rows in a piece of work of compute_row_factors. */
	FACTOR_ROWS = 8192,
	BATCH_BYTES = 512 << 20
};

static size_t divide_up(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

/* Compute the factors of a piece of rows, for all panels. */
static void factor_piece(void *shared, size_t piece, unsigned thread)
{
	struct exact_job *job = shared;
	size_t row = piece * FACTOR_ROWS;
	size_t rest = job->search->n - row;
	size_t end = row + (rest < FACTOR_ROWS ? rest : FACTOR_ROWS);

	(void)thread;
	for (; row < end; row++)
		job->row_factors[row] = exact_job_row_factor(
			job, row, &job->piece_counts[piece]);
}

/* The query's own row where it may be a result, else ROW_NONE. */
static size_t self_row(const struct exact_job *job, size_t query)
{
	size_t self = job->queries[query].self;

	if (self == ROW_NONE || job->factors[query] == 0 ||
	    !search_allows(job->search, self))
		return ROW_NONE;
	return self;
}

/* Merge the lists of a query's ranges into that of the first, with room for the
 * query's own row. */
static void merge_ranges(struct exact_job *job, size_t query)
{
	const struct search_options *search = job->search;
	struct topk all;
	size_t room = 1;

	for (size_t range = 0; range < job->ranges; range++)
		room += job->lists[range * job->count + query].count;
	topk_begin(&all, room < search->limit ? room : search->limit,
		   search->min_score);
	for (size_t range = 0; range < job->ranges; range++)
		topk_merge(&all, &job->lists[range * job->count + query]);
	job->lists[query] = all;
}

/* Write a query's result. The cosine of a row with itself is 1 by definition,
 * whatever rounding gives. */
static void finish_query(struct exact_job *job, size_t query)
{
	const struct search_options *search = job->search;
	struct topk *list = &job->lists[query];
	size_t self = self_row(job, query);

	if (job->ranges > 1)
		merge_ranges(job, query);
	if (search->with_self && search->metric == METRIC_EMBEDDING &&
	    self != ROW_NONE)
		topk_push(list, METRIC_EMBEDDING, 1, (uint32_t)self);
	job->results[query].hits = topk_finish(list);
	job->results[query].count = list->count;
	job->results[query].matching = list->matching;
}

/* Begin the lists of a piece. */
static void begin_lists(struct exact_job *job, size_t first, size_t count,
			size_t range, size_t rows)
{
	size_t limit = job->search->limit;

	if (limit > rows)
		limit = rows;
	for (size_t q = first; q < first + count; q++)
		topk_begin(&job->lists[range * job->count + q], limit,
			   job->search->min_score);
}

static void run_piece(void *shared, size_t piece, unsigned thread)
{
	struct exact_job *job = shared;
	size_t range = piece / job->panels;
	size_t first = piece % job->panels * job->panel;
	size_t begin = range * job->range;
	size_t count = job->count - first < job->panel ? job->count - first
						       : job->panel;
	size_t end = job->search->n - begin < job->range ? job->search->n
							 : begin + job->range;

	(void)thread;
	begin_lists(job, first, count, range, end - begin);
	if (job->count <= EXACT_SCAN_QUERIES)
		exact_scan_range(job, range, begin, end);
	else
		exact_panel_score(job, first, count, range, begin, end);
	if (job->ranges == 1)
		for (size_t q = first; q < first + count; q++)
			finish_query(job, q);
	if (range == job->ranges - 1 && !job->search->quiet)
		progress_add(count);
}

/* Choose the sizes of panels and ranges. They do not change any result. */
static void partition(struct exact_job *job)
{
	const struct search_options *search = job->search;
	size_t panel = filter_panel_size(&job->filter);
	size_t pieces =
		search->threads > 1 ? PIECES_PER_THREAD * search->threads : 1;
	size_t ranges;

	job->panels = divide_up(job->count, panel);
	panel = divide_up(job->count, job->panels);
	job->panel = divide_up(panel, TILE_QUERIES) * TILE_QUERIES;
	job->panels = divide_up(job->count, job->panel);
	/* Every thread gets the same number of pieces. */
	for (ranges = divide_up(pieces, job->panels);
	     job->panels * ranges % search->threads != 0;)
		ranges++;
	job->range = divide_up(search->n, ranges);
	if (job->range < MIN_RANGE_ROWS)
		job->range = MIN_RANGE_ROWS;
	job->range = divide_up(job->range, TILE_ROWS) * TILE_ROWS;
	job->ranges = divide_up(search->n, job->range);
}

/* Check the queries and compute their factors. Returns NULL or an error text.
 */
static const char *prepare_queries(struct exact_job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		const struct search_query *query = &job->queries[q];
		double square = dot_square_norm(query->vector, job->search->d);

		if (!exact_job_is_usable(job->search, square)) {
			if (query->self != ROW_NONE)
				job->bad_row = query->self;
			return "a query's vector is not finite or too long";
		}
		job->self_answers =
			job->self_answers || query->self != ROW_NONE;
		job->factors[q] = exact_job_factor(job->search, square);
		job->results[q].zero = job->factors[q] == 0;
	}
	return NULL;
}

/* The threshold that a score is above if and only if it is at least min_score.
 */
static float min_score_threshold(const struct search_options *search)
{
	float value = (float)search->min_score;

	return (double)value >= search->min_score
		       ? score_below(search->metric, value)
		       : value;
}

/* Sum the counts of the pieces. */
static void sum_counts(struct exact_job *job, size_t pieces)
{
	for (size_t i = 0; i < pieces; i++) {
		job->row_counts.zeros += job->piece_counts[i].zeros;
		job->row_counts.eligible += job->piece_counts[i].eligible;
	}
	free(job->piece_counts);
}

/* Set the number of rows that could have been results of each query. */
static void count_candidates(struct exact_job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		bool left_out =
			!job->search->with_self && self_row(job, q) != ROW_NONE;

		job->results[q].candidates =
			job->results[q].zero
				? 0
				: job->row_counts.eligible - left_out;
	}
}

static const char *unusable_error(const struct search_options *search,
				  size_t row)
{
	double square =
		dot_square_norm(search->rows + row * search->d, search->d);

	return error_text(isfinite(square) ? "row %zu of the embedding is too "
					     "long for the metric dot"
					   : "row %zu of the embedding is not "
					     "finite",
			  row);
}

static void compute_row_factors(struct exact_job *job)
{
	size_t pieces = divide_up(job->search->n, FACTOR_ROWS);

	job->row_factors = alloc(job->search->n, sizeof *job->row_factors);
	job->piece_counts = alloc(pieces, sizeof *job->piece_counts);
	thread_pool_run(job->search->threads, pieces, factor_piece, job);
	sum_counts(job, pieces);
}

/* True if every row is a query, in order, and all other rows may be its
 * results. */
static bool is_all_pairs(const struct exact_job *job)
{
	const struct search_options *search = job->search;
	bool pairs = job->count == search->n &&
		     job->count > EXACT_SCAN_QUERIES &&
		     search->allowed == NULL &&
		     !(search->with_self && search->metric == METRIC_DOT);

	for (size_t q = 0; pairs && q < job->count; q++)
		pairs = job->queries[q].self == q &&
			job->queries[q].vector == search->rows + q * search->d;
	return pairs;
}

static void search_all_pairs(struct exact_job *job)
{
	const struct search_options *search = job->search;
	struct all_pairs join = {
		.rows = search->rows,
		.n = search->n,
		.d = search->d,
		.metric = search->metric,
		.filter = &job->filter,
		.limit = search->limit,
		.threshold = job->threshold,
		.count_matching = search->count_matching,
		.quiet = search->quiet,
		.threads = search->threads,
	};

	compute_row_factors(job);
	if (job->bad_row != ROW_NONE)
		return;
	join.factors = job->row_factors;
	join.lists = job->lists = alloc(job->count, sizeof *job->lists);
	begin_lists(job, 0, job->count, 0, search->n);
	all_pairs_search(&join);
	for (size_t q = 0; q < job->count; q++)
		finish_query(job, q);
	count_candidates(job);
}

static void search_pieces(struct exact_job *job)
{
	if (is_all_pairs(job)) {
		search_all_pairs(job);
		return;
	}
	partition(job);
	job->lists = alloc(alloc_product(job->ranges, job->count),
			   sizeof *job->lists);
	job->thresholds = alloc(job->count, sizeof *job->thresholds);
	for (size_t q = 0; q < job->count; q++)
		atomic_init(&job->thresholds[q], job->threshold);
	if (job->count <= EXACT_SCAN_QUERIES)
		job->piece_counts =
			alloc(job->ranges, sizeof *job->piece_counts);
	else
		compute_row_factors(job);
	if (job->bad_row != ROW_NONE)
		return;
	thread_pool_run(job->search->threads,
			alloc_product(job->panels, job->ranges), run_piece,
			job);
	if (job->count <= EXACT_SCAN_QUERIES)
		sum_counts(job, job->ranges);
	if (job->ranges > 1)
		for (size_t q = 0; q < job->count; q++)
			finish_query(job, q);
	count_candidates(job);
}

/* The int8 bounds hold for unit vectors only. */
struct score_kernels exact_search_filter(const struct search_options *search,
					 size_t queries)
{
	struct score_kernels filter = {search->kernel, search->bounds,
				       search->d};

	if (search->kernel == NULL) {
		filter.kernel = dot_kernel_best();
		filter.bounds = queries < MIN_FILTERED_QUERIES
					? NULL
					: int8_kernel_filter();
	}
	if (search->metric != METRIC_EMBEDDING || search->d > INT8_MAX_COLUMNS)
		filter.bounds = NULL;
	return filter;
}

const char *exact_search_run(const struct search_options *search,
			     struct search_batch *batch)
{
	const char *error = NULL;
	struct exact_job job = {
		.search = search,
		.queries = batch->queries,
		.count = batch->count,
		.results = batch->results,
		.filter = exact_search_filter(search, batch->count),
		.factors = alloc(batch->count, sizeof *job.factors),
		.threshold = min_score_threshold(search),
		.row_counts = {.zeros = search->d == 0 ? search->n : 0},
		.bad_row = ROW_NONE,
	};

	memset(batch->results, 0, batch->count * sizeof *batch->results);
	if (search->n > UINT32_MAX)
		error = "more than 4,294,967,295 customers";
	else
		error = prepare_queries(&job);
	if (error == NULL && search->n > 0 && search->d > 0 && batch->count > 0)
		search_pieces(&job);
	if (job.bad_row != ROW_NONE) {
		search_results_free(batch->results, batch->count);
		error = unusable_error(search, job.bad_row);
	}
	batch->zeros = job.row_counts.zeros;
	free(job.factors);
	free(job.row_factors);
	free(job.thresholds);
	free(job.lists);
	return error;
}

size_t exact_search_batch(size_t k, size_t n)
{
	size_t length = k < n ? k : n;
	size_t bytes = (length > TOPK_SORTED_LIMIT ? 2 : 1) * length *
			       sizeof(struct hit) +
		       256;

	return bytes < BATCH_BYTES ? BATCH_BYTES / bytes : 1;
}
