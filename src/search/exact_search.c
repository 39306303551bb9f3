#include "search/exact_search.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
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
struct job {
	const struct search *search;
	const struct query *queries;
	size_t count;
	struct found *found;
	struct sieve sieve;
	double *factors;      /* count: unit = vector * factor; 0: all zeros */
	float floor;          /* scores above it have search->least */
	bool own;             /* a query may be one of the rows */
	size_t panel, panels; /* queries in a panel */
	size_t range, ranges; /* rows in a range, a multiple of TILE_ROWS */
	struct list *lists;   /* ranges x count */
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
static float bar_of(const struct job *job, const struct list *list)
{
	float bar = job->search->count_matching ? -INFINITY : list->bar;

	return bar > job->floor ? bar : job->floor;
}

/* ------------------------------------------------------------------- rows */

static bool is_allowed(const struct search *search, size_t row)
{
	return search->allowed == NULL ||
	       (search->allowed[row / 64] >> row % 64 & 1) != 0;
}

/* True for a squared length that can be worked with. */
static bool is_sound(const struct search *search, double square)
{
	return isfinite(square) &&
	       (search->metric == METRIC_COSINE || square <= longest);
}

/* What the vector is multiplied with to be compared; 0 for one of zeros. */
static double factor_of(const struct search *search, double square)
{
	if (square == 0)
		return 0;
	return search->metric == METRIC_DOT ? 1 : 1 / sqrt(square);
}

/* The row that a scan passes over: the asked one, unless its score is like any
 * other's. */
static size_t skipped_row(const struct search *search, size_t self)
{
	return search->with_self && search->metric == METRIC_DOT ? NEAREST_NONE
								 : self;
}

static void note_wrong(struct job *job, size_t row)
{
	size_t first = job->wrong;

	while (row < first)
		if (atomic_compare_exchange_weak(&job->wrong, &first, row))
			return;
}

/* The row's factor, or 0 where it cannot be an answer; counted in tally. */
static double admit(struct job *job, size_t row, struct tally *tally)
{
	const struct search *search = job->search;
	double square = tile_square(search->rows + row * search->d, search->d);

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
	return factor_of(search, square);
}

/* ------------------------------------------------------------ few queries */

/* One of the few queries: its list in this range, and what the glance needs. */
struct glancer {
	struct list *list;
	const float *unit;
	double length;
	size_t skip;
	bool zero;
};

/* Can a row with that product and squared length still enter the list? */
static bool is_promising(const struct job *job, const struct glancer *glancer,
			 float product, float square)
{
	double bar = bar_of(job, glancer->list);
	double margin = tile_margin(job->search->d);

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
static void scan_rows(struct job *job, const struct glancer *glancer,
		      size_t first, size_t rows, float *scratch,
		      struct tally *tally)
{
	const struct search *search = job->search;
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
		tile_scale(scratch, search->rows + row * search->d, search->d,
			   factor);
		list_offer(glancer->list, search->metric,
			   job->sieve.kernel->chain(glancer->unit, scratch,
						    search->d),
			   (uint32_t)row);
	}
}

static struct glancer glancer_make(struct job *job, size_t query, size_t range,
				   float *unit)
{
	const struct search *search = job->search;
	const struct query *asked = &job->queries[query];

	tile_scale(unit, asked->vector, search->d, job->factors[query]);
	return (struct glancer){
		.list = &job->lists[range * job->count + query],
		.unit = unit,
		.length = sqrt(tile_square(unit, search->d)),
		.skip = skipped_row(search, asked->self),
		.zero = job->factors[query] == 0,
	};
}

static void scan_range(struct job *job, size_t range, size_t begin, size_t end)
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
	struct job *job = shared;
	size_t row = piece * ADMIT_ROWS;
	size_t rest = job->search->n - row;
	size_t end = row + (rest < ADMIT_ROWS ? rest : ADMIT_ROWS);

	(void)thread;
	for (; row < end; row++)
		job->admitted[row] = admit(job, row, &job->tallies[piece]);
}

/* A panel of queries over a range of rows. */
struct visit {
	struct job *job;
	struct askers askers;
	struct panel panel;
	struct packed rows[SIEVE_RUN];
	struct list *lists; /* of the panel's queries */
	const struct query *queries;
	size_t block; /* the first row of that in hand */
};

static void offer_row(void *shared, size_t query, size_t row, float score)
{
	struct visit *visit = shared;
	const struct search *search = visit->job->search;
	struct list *list = &visit->lists[query];

	if (visit->block + row !=
	    skipped_row(search, visit->queries[query].self))
		list_offer(list, search->metric, score,
			   (uint32_t)(visit->block + row));
	if (bar_of(visit->job, list) > visit->panel.least[query])
		visit->panel.least[query] = bar_of(visit->job, list);
}

/* What another range has found for a query may do without this one's. */
static void raise_bar(struct job *job, size_t query, const struct list *list)
{
	const struct search *search = job->search;
	_Atomic float *bar = &job->bars[query];
	float old = *bar, new;

	if (search->count_matching || list->limit < search->limit)
		return;
	new = score_below(search->metric, list->bar);
	while (new > old)
		if (atomic_compare_exchange_weak(bar, &old, new))
			return;
}

static void visit_begin(struct visit *visit, struct job *job, size_t first,
			size_t count)
{
	askers_begin(&visit->askers, &job->sieve, count);
	panel_begin(&visit->panel, &job->sieve, count);
	for (size_t i = 0; i < count; i++) {
		double factor = job->factors[first + i];

		askers_put(&visit->askers, i, job->queries[first + i].vector,
			   factor);
		panel_put(&visit->panel, i, visit->askers.each[i]);
		if (factor != 0)
			visit->panel.least[i] = job->bars[first + i];
	}
}

static void visit_end(struct visit *visit)
{
	askers_end(&visit->askers);
	panel_end(&visit->panel);
	for (size_t b = 0; b < SIEVE_RUN; b++)
		packed_end(&visit->rows[b]);
}

/* Meet the next blocks up to a row, count of them; raising: the queries have
 * found nothing yet. */
static void meet_run(struct visit *visit, size_t end, size_t count,
		     bool raising)
{
	const struct job *job = visit->job;
	struct block blocks[SIEVE_RUN];
	uint64_t rows[SIEVE_RUN];
	const struct run run = {
		.blocks = blocks,
		.count = count,
		.rows = raising ? rows : NULL,
		.wanted = job->search->limit + job->own,
	};

	for (size_t b = 0; b < count; b++) {
		struct packed *packed = &visit->rows[b];

		if (packed->sieve == NULL)
			packed_begin(packed, &job->sieve);
		rows[b] = packed_fill(packed, job->search->rows, job->admitted,
				      visit->block + b * TILE_ROWS, end);
		blocks[b] = packed->block;
	}
	panel_meet(&visit->panel, visit->panel.groups_count, &run, NULL,
		   offer_row, visit);
	visit->block += count * TILE_ROWS;
}

static void tile_piece(struct job *job, size_t first, size_t count,
		       size_t range, size_t begin, size_t end)
{
	const struct search *search = job->search;
	struct visit visit = {
		.job = job,
		.lists = job->lists + range * job->count + first,
		.queries = job->queries + first,
		.block = begin,
	};
	size_t run = divide_up(end - begin, TILE_ROWS);
	size_t most = sieve_run(&job->sieve);

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

/* The asked row where it may be an answer too, else NEAREST_NONE. */
static size_t own_row(const struct job *job, size_t query)
{
	size_t self = job->queries[query].self;

	if (self == NEAREST_NONE || job->factors[query] == 0 ||
	    !is_allowed(job->search, self))
		return NEAREST_NONE;
	return self;
}

/* Join the lists of a query's ranges in that of the first, which gets room
 * for all of them and the asked row. */
static void join_lists(struct job *job, size_t query)
{
	const struct search *search = job->search;
	struct list all;
	size_t room = 1;

	for (size_t range = 0; range < job->ranges; range++)
		room += job->lists[range * job->count + query].count;
	list_begin(&all, room < search->limit ? room : search->limit,
		   search->least);
	for (size_t range = 0; range < job->ranges; range++)
		list_absorb(&all, &job->lists[range * job->count + query]);
	job->lists[query] = all;
}

/* Put a query's answer in found.  A customer is like itself by definition,
 * whatever rounding makes of it. */
static void finish_query(struct job *job, size_t query)
{
	const struct search *search = job->search;
	struct list *list = &job->lists[query];
	size_t self = own_row(job, query);

	if (job->ranges > 1)
		join_lists(job, query);
	if (search->with_self && search->metric == METRIC_COSINE &&
	    self != NEAREST_NONE)
		list_offer(list, METRIC_COSINE, 1, (uint32_t)self);
	job->found[query].hits = list_hits(list);
	job->found[query].count = list->count;
	job->found[query].matching = list->matching;
}

/* Room for the lists of a piece's queries. */
static void begin_lists(struct job *job, size_t first, size_t count,
			size_t range, size_t rows)
{
	size_t limit = job->search->limit;

	if (limit > rows)
		limit = rows;
	for (size_t q = first; q < first + count; q++)
		list_begin(&job->lists[range * job->count + q], limit,
			   job->search->least);
}

static void run_piece(void *shared, size_t piece, unsigned thread)
{
	struct job *job = shared;
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
static void cut(struct job *job)
{
	const struct search *search = job->search;
	size_t panel = sieve_panel(&job->sieve);
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

/* Check the queries; NULL or a sentence. */
static const char *take_queries(struct job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		const struct query *query = &job->queries[q];
		double square = tile_square(query->vector, job->search->d);

		if (!is_sound(job->search, square)) {
			if (query->self != NEAREST_NONE)
				job->wrong = query->self;
			return "a query's vector is not finite or too long";
		}
		job->own = job->own || query->self != NEAREST_NONE;
		job->factors[q] = factor_of(job->search, square);
		job->found[q].zero = job->factors[q] == 0;
	}
	return NULL;
}

/* What a kernel's score must be above to have at least the least. */
static float below_least(const struct search *search)
{
	float value = (float)search->least;

	return (double)value >= search->least
		       ? score_below(search->metric, value)
		       : value;
}

/* Add up the counts of the pieces. */
static void sum_tallies(struct job *job, size_t pieces)
{
	for (size_t i = 0; i < pieces; i++) {
		job->tally.zeros += job->tallies[i].zeros;
		job->tally.eligible += job->tallies[i].eligible;
	}
	free(job->tallies);
}

/* How many rows could have been answers to each query. */
static void count_candidates(struct job *job)
{
	for (size_t q = 0; q < job->count; q++) {
		bool left_out = !job->search->with_self &&
				own_row(job, q) != NEAREST_NONE;

		job->found[q].candidates =
			job->found[q].zero ? 0 : job->tally.eligible - left_out;
	}
}

static const char *wrong_row(const struct search *search, size_t row)
{
	double square = tile_square(search->rows + row * search->d, search->d);

	return sentence(isfinite(square) ? "row %zu of the embedding is too "
					   "long for the metric dot"
					 : "row %zu of the embedding is not "
					   "finite",
			row);
}

static void admit_rows(struct job *job)
{
	size_t pieces = divide_up(job->search->n, ADMIT_ROWS);

	job->admitted = alloc(job->search->n, sizeof *job->admitted);
	job->tallies = alloc(pieces, sizeof *job->tallies);
	team_run(job->search->threads, pieces, admit_piece, job);
	sum_tallies(job, pieces);
}

/* Does every row ask, and may every other answer? */
static bool is_mutual(const struct job *job)
{
	const struct search *search = job->search;
	bool mutual = job->count == search->n && job->count > FEW &&
		      search->allowed == NULL &&
		      !(search->with_self && search->metric == METRIC_DOT);

	for (size_t q = 0; mutual && q < job->count; q++)
		mutual = job->queries[q].self == q &&
			 job->queries[q].vector == search->rows + q * search->d;
	return mutual;
}

static void search_mutually(struct job *job)
{
	const struct search *search = job->search;
	struct mutual mutual = {
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
	if (job->wrong != NEAREST_NONE)
		return;
	mutual.factors = job->admitted;
	mutual.lists = job->lists = alloc(job->count, sizeof *job->lists);
	begin_lists(job, 0, job->count, 0, search->n);
	mutual_search(&mutual);
	for (size_t q = 0; q < job->count; q++)
		finish_query(job, q);
	count_candidates(job);
}

static void search_pieces(struct job *job)
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
	if (job->wrong != NEAREST_NONE)
		return;
	team_run(job->search->threads, alloc_product(job->panels, job->ranges),
		 run_piece, job);
	if (job->count <= FEW)
		sum_tallies(job, job->ranges);
	if (job->ranges > 1)
		for (size_t q = 0; q < job->count; q++)
			finish_query(job, q);
	count_candidates(job);
}

/* Bytes bound the products of unit vectors only. */
struct sieve search_sieve(const struct search *search, size_t queries)
{
	struct sieve sieve = {search->kernel, search->bounds, search->d};

	if (search->kernel == NULL) {
		sieve.kernel = tile_best();
		sieve.bounds = queries < SIFTED ? NULL : codes_sieve();
	}
	if (search->metric != METRIC_COSINE || search->d > CODES_COLUMNS)
		sieve.bounds = NULL;
	return sieve;
}

const char *nearest_search(const struct search *search,
			   const struct query *queries, size_t count,
			   struct found *found, size_t *zeros)
{
	const char *error = NULL;
	struct job job = {
		.search = search,
		.queries = queries,
		.count = count,
		.found = found,
		.sieve = search_sieve(search, count),
		.factors = alloc(count, sizeof *job.factors),
		.floor = below_least(search),
		.tally = {.zeros = search->d == 0 ? search->n : 0},
		.wrong = NEAREST_NONE,
	};

	memset(found, 0, count * sizeof *found);
	if (search->n > UINT32_MAX)
		error = "more than 4,294,967,295 customers";
	else
		error = take_queries(&job);
	if (error == NULL && search->n > 0 && search->d > 0 && count > 0)
		search_pieces(&job);
	if (job.wrong != NEAREST_NONE) {
		nearest_free(found, count);
		error = wrong_row(search, job.wrong);
	}
	*zeros = job.tally.zeros;
	free(job.factors);
	free(job.admitted);
	free(job.bars);
	free(job.lists);
	return error;
}

void nearest_free(struct found *found, size_t count)
{
	for (size_t q = 0; q < count; q++) {
		free(found[q].hits);
		found[q].hits = NULL;
	}
}

size_t nearest_batch(size_t k, size_t n)
{
	size_t length = k < n ? k : n;
	size_t bytes =
		(length > BEST_SORTED ? 2 : 1) * length * sizeof(struct hit) +
		256;

	return bytes < BATCH_BYTES ? BATCH_BYTES / bytes : 1;
}
