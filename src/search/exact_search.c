#include "search/exact_search.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "search/filter_refine.h"
#include "base/errors.h"
#include "search/all_pairs.h"
#include "base/progress.h"
#include "base/thread_pool.h"

enum {
	/* Up to as many queries go over the rows as the file has them; more
	 * pay for packing the rows into tiles. */
	MAX_SCAN_QUERIES = 4,
	/* Fewer than so many take longer with a filter: bytes of rows are made
	 * for them, and few of a group ask for the same. */
	MIN_FILTERED_QUERIES = 48,
	/* Pieces for each thread, so that none waits long for the last. */
	PIECES_PER_THREAD = 4,
	/* Rows below which a piece is not worth handing out. */
	MIN_RANGE_ROWS = 2048,
	/* Rows looked at in one piece before the tiles. */
	FACTOR_ROWS = 8192,
	BATCH_BYTES = 512 << 20
};

/* Above this squared length sums of products of "dot" may overflow. */
static const double max_square_norm = 1e36;

/* Squared lengths between which sums of float are safe from overflow and from
 * losing digits to underflow. */
static const float safe_low = 1e-30f, safe_high = 1e30f;

/* What is counted of a piece's rows. */
struct row_counts {
	size_t zeros, eligible;
};

/* A search partition into pieces: panels of queries times ranges of rows. */
struct exact_job {
	const struct exact_search *search;
	const struct search_query *queries;
	size_t count;
	struct search_result *results;
	struct filter_refine filter;
	double *factors;      /* count: unit = vector * factor; 0: all zeros */
	float threshold;      /* scores above it have search->min_score */
	bool self_answers;    /* a query may be one of the rows */
	size_t panel, panels; /* queries in a panel */
	size_t range, ranges; /* rows in a range, a multiple of TILE_ROWS */
	struct topk *lists;   /* ranges x count */
	_Atomic float *thresholds; /* of each query: what a score must be above,
				by the ranges that are done */
	double *row_factors; /* n: the same of rows; 0: cannot be an answer.
			     NULL for few queries */
	struct row_counts row_counts; /* of all rows */
	struct row_counts
		*piece_counts;  /* of ranges, or of pieces of FACTOR_ROWS */
	_Atomic size_t bad_row; /* the first row that is refused */
};

/* A kernel's score that is not above this cannot enter the list any more:
 * rows come ascending, so an equal one would come after. */
static float threshold_of(const struct exact_job *job, const struct topk *list)
{
	float threshold =
		job->search->count_matching ? -INFINITY : list->threshold;

	return threshold > job->threshold ? threshold : job->threshold;
}

/* ------------------------------------------------------------------- rows */

static bool is_allowed(const struct exact_search *search, size_t row)
{
	return search->allowed == NULL || bitset_test(search->allowed, row);
}

/* True for a squared length that can be worked with. */
static bool is_usable(const struct exact_search *search, double square)
{
	return isfinite(square) &&
	       (search->metric == METRIC_COSINE || square <= max_square_norm);
}

/* What the vector is multiplied with to be compared; 0 for one of zeros. */
static double factor_of(const struct exact_search *search, double square)
{
	if (square == 0)
		return 0;
	return search->metric == METRIC_DOT ? 1 : 1 / sqrt(square);
}

/* The row that a scan passes over: the asked one, unless its score is like any
 * other's. */
static size_t skipped_row(const struct exact_search *search, size_t self)
{
	return search->with_self && search->metric == METRIC_DOT ? ROW_NONE
								 : self;
}

static void note_bad_row(struct exact_job *job, size_t row)
{
	size_t first = job->bad_row;

	while (row < first)
		if (atomic_compare_exchange_weak(&job->bad_row, &first, row))
			return;
}

/* The row's factor, or 0 where it cannot be an answer; counted in row_counts.
 */
static double row_factor(struct exact_job *job, size_t row,
			 struct row_counts *counts)
{
	const struct exact_search *search = job->search;
	double square =
		dot_square_norm(search->rows + row * search->d, search->d);

	if (!is_usable(search, square)) {
		note_bad_row(job, row);
		return 0;
	}
	if (square == 0) {
		counts->zeros++;
		return 0;
	}
	if (!is_allowed(search, row))
		return 0;
	counts->eligible++;
	return factor_of(search, square);
}

/* ------------------------------------------------------------ few queries */

/* One of the few queries: its list in this range, and what the glance needs. */
struct scan_query {
	struct topk *list;
	const float *unit;
	double length;
	size_t skip;
	bool zero;
};

/* Can a row with that product and squared length still enter the list? */
static bool is_promising(const struct exact_job *job,
			 const struct scan_query *scan_query, float product,
			 float square)
{
	double threshold = threshold_of(job, scan_query->list);
	double margin = dot_error_bound(job->search->d);

	if (!(square > safe_low && square < safe_high))
		return true;
	double length = sqrt((double)square);
	if (job->search->metric == METRIC_COSINE)
		threshold = (threshold - margin) * length;
	else
		threshold -= margin * scan_query->length * length + 1e-37;
	return !(product < threshold);
}

/* Up to TILE_ROWS rows for one query; counted where row_counts is not NULL. */
static void scan_rows(struct exact_job *job,
		      const struct scan_query *scan_query, size_t first,
		      size_t rows, float *scratch, struct row_counts *counts)
{
	const struct exact_search *search = job->search;
	float products[TILE_ROWS], squares[TILE_ROWS];

	job->filter.kernel->approximate_rows(
		scan_query->unit, search->rows + first * search->d, rows,
		search->d, products, squares);
	for (size_t r = 0; r < rows; r++) {
		size_t row = first + r;
		bool safe = squares[r] > safe_low && squares[r] < safe_high;
		struct row_counts seen = {0, is_allowed(search, row)};
		double factor = 0;

		bool wanted =
			!scan_query->zero && row != scan_query->skip &&
			seen.eligible != 0 &&
			is_promising(job, scan_query, products[r], squares[r]);
		if (wanted || !safe) {
			seen.eligible = 0;
			factor = row_factor(job, row, &seen);
		}
		counts->zeros += seen.zeros;
		counts->eligible += seen.eligible;
		if (!wanted || factor == 0)
			continue;
		dot_scale(scratch, search->rows + row * search->d, search->d,
			  factor);
		topk_push(scan_query->list, search->metric,
			  job->filter.kernel->exact_pair(scan_query->unit,
							 scratch, search->d),
			  (uint32_t)row);
	}
}

static struct scan_query scan_query_make(struct exact_job *job, size_t q,
					 size_t range, float *unit)
{
	const struct exact_search *search = job->search;
	const struct search_query *query = &job->queries[q];

	dot_scale(unit, query->vector, search->d, job->factors[q]);
	return (struct scan_query){
		.list = &job->lists[range * job->count + q],
		.unit = unit,
		.length = sqrt(dot_square_norm(unit, search->d)),
		.skip = skipped_row(search, query->self),
		.zero = job->factors[q] == 0,
	};
}

static void scan_range(struct exact_job *job, size_t range, size_t begin,
		       size_t end)
{
	size_t d = job->search->d;
	float *units = alloc_aligned(alloc_product(MAX_SCAN_QUERIES + 1, d),
				     sizeof *units);
	float *scratch = units + MAX_SCAN_QUERIES * d;
	struct scan_query scan_queries[MAX_SCAN_QUERIES];
	struct row_counts rest = {0, 0};

	for (size_t q = 0; q < job->count; q++)
		scan_queries[q] = scan_query_make(job, q, range, units + q * d);
	for (size_t row = begin; row < end; row += TILE_ROWS) {
		size_t rows = end - row < TILE_ROWS ? end - row : TILE_ROWS;

		for (size_t q = 0; q < job->count; q++)
			scan_rows(job, &scan_queries[q], row, rows, scratch,
				  q == 0 ? &job->piece_counts[range] : &rest);
	}
	free(units);
}

/* ----------------------------------------------------------- many queries */

static size_t divide_up(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

/* Look at a piece's rows, once for all panels. */
static void factor_piece(void *shared, size_t piece, unsigned thread)
{
	struct exact_job *job = shared;
	size_t row = piece * FACTOR_ROWS;
	size_t rest = job->search->n - row;
	size_t end = row + (rest < FACTOR_ROWS ? rest : FACTOR_ROWS);

	(void)thread;
	for (; row < end; row++)
		job->row_factors[row] =
			row_factor(job, row, &job->piece_counts[piece]);
}

/* A panel of queries over a range of rows. */
struct panel_scan {
	struct exact_job *job;
	struct query_batch batch;
	struct panel panel;
	struct packed_block rows[FILTER_RUN_BLOCKS];
	struct topk *lists; /* of the panel's queries */
	const struct search_query *queries;
	size_t block; /* the first row of that in hand */
};

static void push_row(void *shared, size_t query, size_t row, float score)
{
	struct panel_scan *panel_scan = shared;
	const struct exact_search *search = panel_scan->job->search;
	struct topk *list = &panel_scan->lists[query];

	if (panel_scan->block + row !=
	    skipped_row(search, panel_scan->queries[query].self))
		topk_push(list, search->metric, score,
			  (uint32_t)(panel_scan->block + row));
	if (threshold_of(panel_scan->job, list) >
	    panel_scan->panel.thresholds[query])
		panel_scan->panel.thresholds[query] =
			threshold_of(panel_scan->job, list);
}

/* What another range has results for a query may do without this one's. */
static void raise_shared_threshold(struct exact_job *job, size_t query,
				   const struct topk *list)
{
	const struct exact_search *search = job->search;
	_Atomic float *threshold = &job->thresholds[query];
	float old = *threshold, new;

	if (search->count_matching || list->limit < search->limit)
		return;
	new = score_below(search->metric, list->threshold);
	while (new > old)
		if (atomic_compare_exchange_weak(threshold, &old, new))
			return;
}

static void panel_scan_begin(struct panel_scan *panel_scan,
			     struct exact_job *job, size_t first, size_t count)
{
	query_batch_begin(&panel_scan->batch, &job->filter, count);
	panel_begin(&panel_scan->panel, &job->filter, count);
	for (size_t i = 0; i < count; i++) {
		double factor = job->factors[first + i];

		query_batch_put(&panel_scan->batch, i,
				job->queries[first + i].vector, factor);
		panel_set_query(&panel_scan->panel, i,
				panel_scan->batch.each[i]);
		if (factor != 0)
			panel_scan->panel.thresholds[i] =
				job->thresholds[first + i];
	}
}

static void panel_scan_end(struct panel_scan *panel_scan)
{
	query_batch_end(&panel_scan->batch);
	panel_end(&panel_scan->panel);
	for (size_t b = 0; b < FILTER_RUN_BLOCKS; b++)
		packed_block_end(&panel_scan->rows[b]);
}

/* Meet the next blocks up to a row, count of them; first_run: the queries have
 * results nothing yet. */
static void score_run(struct panel_scan *panel_scan, size_t end, size_t count,
		      bool first_run)
{
	const struct exact_job *job = panel_scan->job;
	struct row_block blocks[FILTER_RUN_BLOCKS];
	uint64_t rows[FILTER_RUN_BLOCKS];
	const struct block_run run = {
		.blocks = blocks,
		.count = count,
		.rows = first_run ? rows : NULL,
		.k = job->search->limit + job->self_answers,
	};

	for (size_t b = 0; b < count; b++) {
		struct packed_block *packed = &panel_scan->rows[b];

		if (packed->filter == NULL)
			packed_block_begin(packed, &job->filter);
		rows[b] = packed_block_fill(
			packed, job->search->rows, job->row_factors,
			panel_scan->block + b * TILE_ROWS, end);
		blocks[b] = packed->block;
	}
	panel_score(&panel_scan->panel, panel_scan->panel.group_count, &run,
		    NULL, push_row, panel_scan);
	panel_scan->block += count * TILE_ROWS;
}

static void score_piece(struct exact_job *job, size_t first, size_t count,
			size_t range, size_t begin, size_t end)
{
	const struct exact_search *search = job->search;
	struct panel_scan panel_scan = {
		.job = job,
		.lists = job->lists + range * job->count + first,
		.queries = job->queries + first,
		.block = begin,
	};
	size_t run = divide_up(end - begin, TILE_ROWS);
	size_t most = filter_run_length(&job->filter);

	panel_scan_begin(&panel_scan, job, first, count);
	/* What is met together does not stay in the cache, and is of use only
	 * while nothing has been results, by an earlier range either. */
	if (search->metric == METRIC_COSINE && !search->count_matching &&
	    panel_scan.panel.thresholds[0] == job->threshold)
		score_run(&panel_scan, end, run < most ? run : most, true);
	while (panel_scan.block < end)
		score_run(&panel_scan, end, 1, false);
	panel_scan_end(&panel_scan);
	for (size_t i = 0; i < count; i++)
		raise_shared_threshold(job, first + i, &panel_scan.lists[i]);
}

/* ------------------------------------------------------------- the search */

/* The asked row where it may be an answer too, else ROW_NONE. */
static size_t self_row(const struct exact_job *job, size_t query)
{
	size_t self = job->queries[query].self;

	if (self == ROW_NONE || job->factors[query] == 0 ||
	    !is_allowed(job->search, self))
		return ROW_NONE;
	return self;
}

/* Join the lists of a query's ranges in that of the first, which gets room
 * for all of them and the asked row. */
static void merge_ranges(struct exact_job *job, size_t query)
{
	const struct exact_search *search = job->search;
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

/* Put a query's answer in results.  A customer is like itself by definition,
 * whatever rounding makes of it. */
static void finish_query(struct exact_job *job, size_t query)
{
	const struct exact_search *search = job->search;
	struct topk *list = &job->lists[query];
	size_t self = self_row(job, query);

	if (job->ranges > 1)
		merge_ranges(job, query);
	if (search->with_self && search->metric == METRIC_COSINE &&
	    self != ROW_NONE)
		topk_push(list, METRIC_COSINE, 1, (uint32_t)self);
	job->results[query].hits = topk_finish(list);
	job->results[query].count = list->count;
	job->results[query].matching = list->matching;
}

/* Room for the lists of a piece's queries. */
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
	if (job->count <= MAX_SCAN_QUERIES)
		scan_range(job, range, begin, end);
	else
		score_piece(job, first, count, range, begin, end);
	if (job->ranges == 1)
		for (size_t q = first; q < first + count; q++)
			finish_query(job, q);
	if (range == job->ranges - 1 && !job->search->quiet)
		progress_add(count);
}

/* Decide on panels and ranges.  It changes no answer. */
static void partition(struct exact_job *job)
{
	const struct exact_search *search = job->search;
	size_t panel = filter_panel_size(&job->filter);
	size_t pieces =
		search->threads > 1 ? PIECES_PER_THREAD * search->threads : 1;
	size_t ranges;

	job->panels = divide_up(job->count, panel);
	panel = divide_up(job->count, job->panels);
	job->panel = divide_up(panel, TILE_QUERIES) * TILE_QUERIES;
	job->panels = divide_up(job->count, job->panel);
	/* All threads have as many of them. */
	for (ranges = divide_up(pieces, job->panels);
	     job->panels * ranges % search->threads != 0;)
		ranges++;
	job->range = divide_up(search->n, ranges);
	if (job->range < MIN_RANGE_ROWS)
		job->range = MIN_RANGE_ROWS;
	job->range = divide_up(job->range, TILE_ROWS) * TILE_ROWS;
	job->ranges = divide_up(search->n, job->range);
}

/* Check the queries; NULL or a error_text. */
static const char *prepare_queries(struct exact_job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		const struct search_query *query = &job->queries[q];
		double square = dot_square_norm(query->vector, job->search->d);

		if (!is_usable(job->search, square)) {
			if (query->self != ROW_NONE)
				job->bad_row = query->self;
			return "a query's vector is not finite or too long";
		}
		job->self_answers =
			job->self_answers || query->self != ROW_NONE;
		job->factors[q] = factor_of(job->search, square);
		job->results[q].zero = job->factors[q] == 0;
	}
	return NULL;
}

/* What a kernel's score must be above to have at least the least. */
static float min_score_threshold(const struct exact_search *search)
{
	float value = (float)search->min_score;

	return (double)value >= search->min_score
		       ? score_below(search->metric, value)
		       : value;
}

/* Add up the counts of the pieces. */
static void sum_counts(struct exact_job *job, size_t pieces)
{
	for (size_t i = 0; i < pieces; i++) {
		job->row_counts.zeros += job->piece_counts[i].zeros;
		job->row_counts.eligible += job->piece_counts[i].eligible;
	}
	free(job->piece_counts);
}

/* How many rows could have been answers to each query. */
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

static const char *bad_row_error(const struct exact_search *search, size_t row)
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

/* Does every row ask, and may every other answer? */
static bool is_all_pairs(const struct exact_job *job)
{
	const struct exact_search *search = job->search;
	bool pairs = job->count == search->n && job->count > MAX_SCAN_QUERIES &&
		     search->allowed == NULL &&
		     !(search->with_self && search->metric == METRIC_DOT);

	for (size_t q = 0; pairs && q < job->count; q++)
		pairs = job->queries[q].self == q &&
			job->queries[q].vector == search->rows + q * search->d;
	return pairs;
}

static void search_all_pairs(struct exact_job *job)
{
	const struct exact_search *search = job->search;
	struct all_pairs pairs = {
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
	pairs.factors = job->row_factors;
	pairs.lists = job->lists = alloc(job->count, sizeof *job->lists);
	begin_lists(job, 0, job->count, 0, search->n);
	all_pairs_search(&pairs);
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
	if (job->count <= MAX_SCAN_QUERIES)
		job->piece_counts =
			alloc(job->ranges, sizeof *job->piece_counts);
	else
		compute_row_factors(job);
	if (job->bad_row != ROW_NONE)
		return;
	thread_pool_run(job->search->threads,
			alloc_product(job->panels, job->ranges), run_piece,
			job);
	if (job->count <= MAX_SCAN_QUERIES)
		sum_counts(job, job->ranges);
	if (job->ranges > 1)
		for (size_t q = 0; q < job->count; q++)
			finish_query(job, q);
	count_candidates(job);
}

/* Bytes bound the products of unit vectors only. */
struct filter_refine exact_search_filter(const struct exact_search *search,
					 size_t queries)
{
	struct filter_refine filter = {search->kernel, search->bounds,
				       search->d};

	if (search->kernel == NULL) {
		filter.kernel = dot_kernel_best();
		filter.bounds = queries < MIN_FILTERED_QUERIES
					? NULL
					: int8_kernel_filter();
	}
	if (search->metric != METRIC_COSINE || search->d > INT8_MAX_COLUMNS)
		filter.bounds = NULL;
	return filter;
}

const char *exact_search_run(const struct exact_search *search,
			     const struct search_query *queries, size_t count,
			     struct search_result *results, size_t *zeros)
{
	const char *error = NULL;
	struct exact_job job = {
		.search = search,
		.queries = queries,
		.count = count,
		.results = results,
		.filter = exact_search_filter(search, count),
		.factors = alloc(count, sizeof *job.factors),
		.threshold = min_score_threshold(search),
		.row_counts = {.zeros = search->d == 0 ? search->n : 0},
		.bad_row = ROW_NONE,
	};

	memset(results, 0, count * sizeof *results);
	if (search->n > UINT32_MAX)
		error = "more than 4,294,967,295 customers";
	else
		error = prepare_queries(&job);
	if (error == NULL && search->n > 0 && search->d > 0 && count > 0)
		search_pieces(&job);
	if (job.bad_row != ROW_NONE) {
		search_results_free(results, count);
		error = bad_row_error(search, job.bad_row);
	}
	*zeros = job.row_counts.zeros;
	free(job.factors);
	free(job.row_factors);
	free(job.thresholds);
	free(job.lists);
	return error;
}

void search_results_free(struct search_result *results, size_t count)
{
	for (size_t q = 0; q < count; q++) {
		free(results[q].hits);
		results[q].hits = NULL;
	}
}

size_t exact_search_batch(size_t k, size_t n)
{
	size_t length = k < n ? k : n;
	size_t bytes = (length > TOPK_SORTED_LIMIT ? 2 : 1) * length *
			       sizeof(struct hit) +
		       256;

	return bytes < BATCH_BYTES ? BATCH_BYTES / bytes : 1;
}
