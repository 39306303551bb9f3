#include "search/exact_search.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "search/all_pairs.h"
#include "base/progress.h"
#include "base/thread_pool.h"

enum {
	/* Up to as many queries go over the rows as the file has them; more
	 * pay for packing the rows into tiles. */
	FEW = 4,
	/* Fewer than so many take longer with a sieve: bytes of rows are made
	 * for them, and few of a group ask for the same. */
	SIFTED = 48,
	/* Pieces for each thread, so that none waits long for the last. */
	PIECES = 4,
	/* Rows below which a piece is not worth handing out. */
	RANGE_ROWS = 2048,
	/* Rows looked at in one piece before the tiles. */
	ADMIT_ROWS = 8192,
	BATCH_BYTES = 512 << 20
};

/* Above this squared length sums of products of "dot" may overflow. */
static const double longest = 1e36;

/* Squared lengths between which sums of float are safe from overflow and from
 * losing digits to underflow. */
static const float safe_low = 1e-30f, safe_high = 1e30f;

/* What is counted of a piece's rows. */
struct tally {
	size_t zeros, eligible;
};

/* A search cut into pieces: panels of queries times ranges of rows. */
struct batch_job {
	const struct exact_search *search;
	const struct search_query *queries;
	size_t count;
	struct search_result *found;
	struct filter_refine sieve;
	double *factors;      /* count: unit = vector * factor; 0: all zeros */
	float floor;          /* scores above it have search->least */
	bool own;             /* a query may be one of the rows */
	size_t panel, panels; /* queries in a panel */
	size_t range, ranges; /* rows in a range, a multiple of TILE_ROWS */
	struct topk *lists;   /* ranges x count */
	_Atomic float *bars;  /* of each query: what a score must be above, by
				 the ranges that are done */
	double *admitted;   /* n: the same of rows; 0: cannot be an answer. NULL
			       for few queries */
	struct tally tally; /* of all rows */
	struct tally *tallies; /* of ranges, or of pieces of ADMIT_ROWS */
	_Atomic size_t wrong;  /* the first row that is refused */
};

/* A kernel's score that is not above this cannot enter the list any more:
 * rows come ascending, so an equal one would come after. */
static float bar_of(const struct batch_job *job, const struct topk *list)
{
	float bar = job->search->count_matching ? -INFINITY : list->bar;

	return bar > job->floor ? bar : job->floor;
}

/* ------------------------------------------------------------------- rows */

static bool is_allowed(const struct exact_search *search, size_t row)
{
	return search->allowed == NULL || bitset_test(search->allowed, row);
}

/* True for a squared length that can be worked with. */
static bool is_sound(const struct exact_search *search, double square)
{
	return isfinite(square) &&
	       (search->metric == METRIC_COSINE || square <= longest);
}

/* What the vector is multiplied with to be compared; 0 for one of zeros. */
static double truncated_svd_of(const struct exact_search *search, double square)
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

static void note_wrong(struct batch_job *job, size_t row)
{
	size_t first = job->wrong;

	while (row < first)
		if (atomic_compare_exchange_weak(&job->wrong, &first, row))
			return;
}

/* The row's factor, or 0 where it cannot be an answer; counted in tally. */
static double admit(struct batch_job *job, size_t row, struct tally *tally)
{
	const struct exact_search *search = job->search;
	double square =
		dot_square_norm(search->rows + row * search->d, search->d);

	if (!is_sound(search, square)) {
		note_wrong(job, row);
		return 0;
	}
	if (square == 0) {
		tally->zeros++;
		return 0;
	}
	if (!is_allowed(search, row))
		return 0;
	tally->eligible++;
	return truncated_svd_of(search, square);
}

/* ------------------------------------------------------------ few queries */

/* One of the few queries: its list in this range, and what the glance needs. */
struct glancer {
	struct topk *list;
	const float *unit;
	double length;
	size_t skip;
	bool zero;
};

/* Can a row with that product and squared length still enter the list? */
static bool is_promising(const struct batch_job *job,
			 const struct glancer *glancer, float product,
			 float square)
{
	double bar = bar_of(job, glancer->list);
	double margin = dot_error_bound(job->search->d);

	if (!(square > safe_low && square < safe_high))
		return true;
	double length = sqrt((double)square);
	if (job->search->metric == METRIC_COSINE)
		bar = (bar - margin) * length;
	else
		bar -= margin * glancer->length * length + 1e-37;
	return !(product < bar);
}

/* Up to TILE_ROWS rows for one query; counted where tally is not NULL. */
static void scan_rows(struct batch_job *job, const struct glancer *glancer,
		      size_t first, size_t rows, float *scratch,
		      struct tally *tally)
{
	const struct exact_search *search = job->search;
	float products[TILE_ROWS], squares[TILE_ROWS];

	job->sieve.kernel->glance(glancer->unit,
				  search->rows + first * search->d, rows,
				  search->d, products, squares);
	for (size_t r = 0; r < rows; r++) {
		size_t row = first + r;
		bool safe = squares[r] > safe_low && squares[r] < safe_high;
		struct tally seen = {0, is_allowed(search, row)};
		double factor = 0;

		bool wanted =
			!glancer->zero && row != glancer->skip &&
			seen.eligible != 0 &&
			is_promising(job, glancer, products[r], squares[r]);
		if (wanted || !safe) {
			seen.eligible = 0;
			factor = admit(job, row, &seen);
		}
		tally->zeros += seen.zeros;
		tally->eligible += seen.eligible;
		if (!wanted || factor == 0)
			continue;
		dot_scale(scratch, search->rows + row * search->d, search->d,
			  factor);
		topk_push(glancer->list, search->metric,
			  job->sieve.kernel->chain(glancer->unit, scratch,
						   search->d),
			  (uint32_t)row);
	}
}

static struct glancer glancer_make(struct batch_job *job, size_t query,
				   size_t range, float *unit)
{
	const struct exact_search *search = job->search;
	const struct search_query *asked = &job->queries[query];

	dot_scale(unit, asked->vector, search->d, job->factors[query]);
	return (struct glancer){
		.list = &job->lists[range * job->count + query],
		.unit = unit,
		.length = sqrt(dot_square_norm(unit, search->d)),
		.skip = skipped_row(search, asked->self),
		.zero = job->factors[query] == 0,
	};
}

static void scan_range(struct batch_job *job, size_t range, size_t begin,
		       size_t end)
{
	size_t d = job->search->d;
	float *units = alloc_aligned(alloc_product(FEW + 1, d), sizeof *units);
	float *scratch = units + FEW * d;
	struct glancer glancers[FEW];
	struct tally rest = {0, 0};

	for (size_t q = 0; q < job->count; q++)
		glancers[q] = glancer_make(job, q, range, units + q * d);
	for (size_t row = begin; row < end; row += TILE_ROWS) {
		size_t rows = end - row < TILE_ROWS ? end - row : TILE_ROWS;

		for (size_t q = 0; q < job->count; q++)
			scan_rows(job, &glancers[q], row, rows, scratch,
				  q == 0 ? &job->tallies[range] : &rest);
	}
	free(units);
}

/* ----------------------------------------------------------- many queries */

static size_t divide_up(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

/* Look at a piece's rows, once for all panels. */
static void admit_piece(void *shared, size_t piece, unsigned thread)
{
	struct batch_job *job = shared;
	size_t row = piece * ADMIT_ROWS;
	size_t rest = job->search->n - row;
	size_t end = row + (rest < ADMIT_ROWS ? rest : ADMIT_ROWS);

	(void)thread;
	for (; row < end; row++)
		job->admitted[row] = admit(job, row, &job->tallies[piece]);
}

/* A panel of queries over a range of rows. */
struct visit {
	struct batch_job *job;
	struct query_batch askers;
	struct panel panel;
	struct packed_block rows[FILTER_RUN_BLOCKS];
	struct topk *lists; /* of the panel's queries */
	const struct search_query *queries;
	size_t block; /* the first row of that in hand */
};

static void offer_row(void *shared, size_t query, size_t row, float score)
{
	struct visit *visit = shared;
	const struct exact_search *search = visit->job->search;
	struct topk *list = &visit->lists[query];

	if (visit->block + row !=
	    skipped_row(search, visit->queries[query].self))
		topk_push(list, search->metric, score,
			  (uint32_t)(visit->block + row));
	if (bar_of(visit->job, list) > visit->panel.least[query])
		visit->panel.least[query] = bar_of(visit->job, list);
}

/* What another range has found for a query may do without this one's. */
static void raise_bar(struct batch_job *job, size_t query,
		      const struct topk *list)
{
	const struct exact_search *search = job->search;
	_Atomic float *bar = &job->bars[query];
	float old = *bar, new;

	if (search->count_matching || list->limit < search->limit)
		return;
	new = score_below(search->metric, list->bar);
	while (new > old)
		if (atomic_compare_exchange_weak(bar, &old, new))
			return;
}

static void visit_begin(struct visit *visit, struct batch_job *job,
			size_t first, size_t count)
{
	query_batch_begin(&visit->askers, &job->sieve, count);
	panel_begin(&visit->panel, &job->sieve, count);
	for (size_t i = 0; i < count; i++) {
		double factor = job->factors[first + i];

		query_batch_put(&visit->askers, i,
				job->queries[first + i].vector, factor);
		panel_set_query(&visit->panel, i, visit->askers.each[i]);
		if (factor != 0)
			visit->panel.least[i] = job->bars[first + i];
	}
}

static void visit_end(struct visit *visit)
{
	query_batch_end(&visit->askers);
	panel_end(&visit->panel);
	for (size_t b = 0; b < FILTER_RUN_BLOCKS; b++)
		packed_block_end(&visit->rows[b]);
}

/* Meet the next blocks up to a row, count of them; raising: the queries have
 * found nothing yet. */
static void meet_run(struct visit *visit, size_t end, size_t count,
		     bool raising)
{
	const struct batch_job *job = visit->job;
	struct row_block blocks[FILTER_RUN_BLOCKS];
	uint64_t rows[FILTER_RUN_BLOCKS];
	const struct block_run run = {
		.blocks = blocks,
		.count = count,
		.rows = raising ? rows : NULL,
		.wanted = job->search->limit + job->own,
	};

	for (size_t b = 0; b < count; b++) {
		struct packed_block *packed = &visit->rows[b];

		if (packed->sieve == NULL)
			packed_block_begin(packed, &job->sieve);
		rows[b] = packed_block_fill(packed, job->search->rows,
					    job->admitted,
					    visit->block + b * TILE_ROWS, end);
		blocks[b] = packed->block;
	}
	panel_score(&visit->panel, visit->panel.group_by_count, &run, NULL,
		    offer_row, visit);
	visit->block += count * TILE_ROWS;
}

static void tile_piece(struct batch_job *job, size_t first, size_t count,
		       size_t range, size_t begin, size_t end)
{
	const struct exact_search *search = job->search;
	struct visit visit = {
		.job = job,
		.lists = job->lists + range * job->count + first,
		.queries = job->queries + first,
		.block = begin,
	};
	size_t run = divide_up(end - begin, TILE_ROWS);
	size_t most = filter_run_length(&job->sieve);

	visit_begin(&visit, job, first, count);
	/* What is met together does not stay in the cache, and is of use only
	 * while nothing has been found, by an earlier range either. */
	if (search->metric == METRIC_COSINE && !search->count_matching &&
	    visit.panel.least[0] == job->floor)
		meet_run(&visit, end, run < most ? run : most, true);
	while (visit.block < end)
		meet_run(&visit, end, 1, false);
	visit_end(&visit);
	for (size_t i = 0; i < count; i++)
		raise_bar(job, first + i, &visit.lists[i]);
}

/* ------------------------------------------------------------- the search */

/* The asked row where it may be an answer too, else ROW_NONE. */
static size_t own_row(const struct batch_job *job, size_t query)
{
	size_t self = job->queries[query].self;

	if (self == ROW_NONE || job->factors[query] == 0 ||
	    !is_allowed(job->search, self))
		return ROW_NONE;
	return self;
}

/* Join the lists of a query's ranges in that of the first, which gets room
 * for all of them and the asked row. */
static void join_lists(struct batch_job *job, size_t query)
{
	const struct exact_search *search = job->search;
	struct topk all;
	size_t room = 1;

	for (size_t range = 0; range < job->ranges; range++)
		room += job->lists[range * job->count + query].count;
	topk_begin(&all, room < search->limit ? room : search->limit,
		   search->least);
	for (size_t range = 0; range < job->ranges; range++)
		topk_merge(&all, &job->lists[range * job->count + query]);
	job->lists[query] = all;
}

/* Put a query's answer in found.  A customer is like itself by definition,
 * whatever rounding makes of it. */
static void finish_query(struct batch_job *job, size_t query)
{
	const struct exact_search *search = job->search;
	struct topk *list = &job->lists[query];
	size_t self = own_row(job, query);

	if (job->ranges > 1)
		join_lists(job, query);
	if (search->with_self && search->metric == METRIC_COSINE &&
	    self != ROW_NONE)
		topk_push(list, METRIC_COSINE, 1, (uint32_t)self);
	job->found[query].hits = topk_finish(list);
	job->found[query].count = list->count;
	job->found[query].matching = list->matching;
}

/* Room for the lists of a piece's queries. */
static void begin_lists(struct batch_job *job, size_t first, size_t count,
			size_t range, size_t rows)
{
	size_t limit = job->search->limit;

	if (limit > rows)
		limit = rows;
	for (size_t q = first; q < first + count; q++)
		topk_begin(&job->lists[range * job->count + q], limit,
			   job->search->least);
}

static void run_piece(void *shared, size_t piece, unsigned thread)
{
	struct batch_job *job = shared;
	size_t range = piece / job->panels;
	size_t first = piece % job->panels * job->panel;
	size_t begin = range * job->range;
	size_t count = job->count - first < job->panel ? job->count - first
						       : job->panel;
	size_t end = job->search->n - begin < job->range ? job->search->n
							 : begin + job->range;

	(void)thread;
	begin_lists(job, first, count, range, end - begin);
	if (job->count <= FEW)
		scan_range(job, range, begin, end);
	else
		tile_piece(job, first, count, range, begin, end);
	if (job->ranges == 1)
		for (size_t q = first; q < first + count; q++)
			finish_query(job, q);
	if (range == job->ranges - 1 && !job->search->quiet)
		progress_add(count);
}

/* Decide on panels and ranges.  It changes no answer. */
static void cut(struct batch_job *job)
{
	const struct exact_search *search = job->search;
	size_t panel = filter_panel_size(&job->sieve);
	size_t pieces = search->threads > 1 ? PIECES * search->threads : 1;
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
	if (job->range < RANGE_ROWS)
		job->range = RANGE_ROWS;
	job->range = divide_up(job->range, TILE_ROWS) * TILE_ROWS;
	job->ranges = divide_up(search->n, job->range);
}

/* Check the queries; NULL or a error_text. */
static const char *take_queries(struct batch_job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		const struct search_query *query = &job->queries[q];
		double square = dot_square_norm(query->vector, job->search->d);

		if (!is_sound(job->search, square)) {
			if (query->self != ROW_NONE)
				job->wrong = query->self;
			return "a query's vector is not finite or too long";
		}
		job->own = job->own || query->self != ROW_NONE;
		job->factors[q] = truncated_svd_of(job->search, square);
		job->found[q].zero = job->factors[q] == 0;
	}
	return NULL;
}

/* What a kernel's score must be above to have at least the least. */
static float below_least(const struct exact_search *search)
{
	float value = (float)search->least;

	return (double)value >= search->least
		       ? score_below(search->metric, value)
		       : value;
}

/* Add up the counts of the pieces. */
static void sum_tallies(struct batch_job *job, size_t pieces)
{
	for (size_t i = 0; i < pieces; i++) {
		job->tally.zeros += job->tallies[i].zeros;
		job->tally.eligible += job->tallies[i].eligible;
	}
	free(job->tallies);
}

/* How many rows could have been answers to each query. */
static void count_candidates(struct batch_job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		bool left_out =
			!job->search->with_self && own_row(job, q) != ROW_NONE;

		job->found[q].candidates =
			job->found[q].zero ? 0 : job->tally.eligible - left_out;
	}
}

static const char *wrong_row(const struct exact_search *search, size_t row)
{
	double square =
		dot_square_norm(search->rows + row * search->d, search->d);

	return error_text(isfinite(square) ? "row %zu of the embedding is too "
					     "long for the metric dot"
					   : "row %zu of the embedding is not "
					     "finite",
			  row);
}

static void admit_rows(struct batch_job *job)
{
	size_t pieces = divide_up(job->search->n, ADMIT_ROWS);

	job->admitted = alloc(job->search->n, sizeof *job->admitted);
	job->tallies = alloc(pieces, sizeof *job->tallies);
	thread_pool_run(job->search->threads, pieces, admit_piece, job);
	sum_tallies(job, pieces);
}

/* Does every row ask, and may every other answer? */
static bool is_mutual(const struct batch_job *job)
{
	const struct exact_search *search = job->search;
	bool mutual = job->count == search->n && job->count > FEW &&
		      search->allowed == NULL &&
		      !(search->with_self && search->metric == METRIC_DOT);

	for (size_t q = 0; mutual && q < job->count; q++)
		mutual = job->queries[q].self == q &&
			 job->queries[q].vector == search->rows + q * search->d;
	return mutual;
}

static void search_mutually(struct batch_job *job)
{
	const struct exact_search *search = job->search;
	struct all_pairs mutual = {
		.rows = search->rows,
		.n = search->n,
		.d = search->d,
		.metric = search->metric,
		.sieve = &job->sieve,
		.limit = search->limit,
		.floor = job->floor,
		.every = search->count_matching,
		.quiet = search->quiet,
		.threads = search->threads,
	};

	admit_rows(job);
	if (job->wrong != ROW_NONE)
		return;
	mutual.factors = job->admitted;
	mutual.lists = job->lists = alloc(job->count, sizeof *job->lists);
	begin_lists(job, 0, job->count, 0, search->n);
	all_pairs_search(&mutual);
	for (size_t q = 0; q < job->count; q++)
		finish_query(job, q);
	count_candidates(job);
}

static void search_pieces(struct batch_job *job)
{
	if (is_mutual(job)) {
		search_mutually(job);
		return;
	}
	cut(job);
	job->lists = alloc(alloc_product(job->ranges, job->count),
			   sizeof *job->lists);
	job->bars = alloc(job->count, sizeof *job->bars);
	for (size_t q = 0; q < job->count; q++)
		atomic_init(&job->bars[q], job->floor);
	if (job->count <= FEW)
		job->tallies = alloc(job->ranges, sizeof *job->tallies);
	else
		admit_rows(job);
	if (job->wrong != ROW_NONE)
		return;
	thread_pool_run(job->search->threads,
			alloc_product(job->panels, job->ranges), run_piece,
			job);
	if (job->count <= FEW)
		sum_tallies(job, job->ranges);
	if (job->ranges > 1)
		for (size_t q = 0; q < job->count; q++)
			finish_query(job, q);
	count_candidates(job);
}

/* Bytes bound the products of unit vectors only. */
struct filter_refine exact_search_filter(const struct exact_search *search,
					 size_t queries)
{
	struct filter_refine sieve = {search->kernel, search->bounds,
				      search->d};

	if (search->kernel == NULL) {
		sieve.kernel = dot_kernel_best();
		sieve.bounds = queries < SIFTED ? NULL : int8_kernel_filter();
	}
	if (search->metric != METRIC_COSINE || search->d > INT8_MAX_COLUMNS)
		sieve.bounds = NULL;
	return sieve;
}

const char *exact_search_run(const struct exact_search *search,
			     const struct search_query *queries, size_t count,
			     struct search_result *found, size_t *zeros)
{
	const char *error = NULL;
	struct batch_job job = {
		.search = search,
		.queries = queries,
		.count = count,
		.found = found,
		.sieve = exact_search_filter(search, count),
		.factors = alloc(count, sizeof *job.factors),
		.floor = below_least(search),
		.tally = {.zeros = search->d == 0 ? search->n : 0},
		.wrong = ROW_NONE,
	};

	memset(found, 0, count * sizeof *found);
	if (search->n > UINT32_MAX)
		error = "more than 4,294,967,295 customers";
	else
		error = take_queries(&job);
	if (error == NULL && search->n > 0 && search->d > 0 && count > 0)
		search_pieces(&job);
	if (job.wrong != ROW_NONE) {
		search_results_free(found, count);
		error = wrong_row(search, job.wrong);
	}
	*zeros = job.tally.zeros;
	free(job.factors);
	free(job.admitted);
	free(job.bars);
	free(job.lists);
	return error;
}

void search_results_free(struct search_result *found, size_t count)
{
	for (size_t q = 0; q < count; q++) {
		free(found[q].hits);
		found[q].hits = NULL;
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
