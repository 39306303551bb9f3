#include "nearest.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "die.h"
#include "mutual.h"
#include "progress.h"
#include "team.h"

enum {
	/* Up to as many queries go over the rows as the file has them; more
	 * pay for packing the rows into tiles. */
	FEW = 4,
	/* Packed queries of a panel stay in the second-level cache. */
	PANEL_BYTES = 512 * 1024,
	PANEL_QUERIES = 1536,
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
	const struct kernel *kernel;
	double *factors;      /* count: unit = vector * factor; 0: all zeros */
	float floor;          /* scores above it have search->least */
	size_t panel, panels; /* queries in a panel */
	size_t range, ranges; /* rows in a range, a multiple of TILE_ROWS */
	struct list *lists;   /* ranges x count */
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
	float bar = job->search->count_matching ? -INFINITY : list_bar(list);

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

/* What a glance at a row may be wrong by, as a share of the lengths' product:
 * twice a sum of d roundings, a rounded length, rounded unit vectors. */
static double glance_margin(size_t d)
{
	return (3 * (double)d + 32) * 0x1p-24;
}

/* One of the few queries: its list in this range, and what the glance needs. */
struct asker {
	struct list *list;
	const float *unit;
	double length;
	size_t skip;
	bool zero;
};

/* Can a row with that product and squared length still enter the list? */
static bool is_promising(const struct job *job, const struct asker *asker,
			 float product, float square)
{
	double bar = bar_of(job, asker->list);
	double margin = glance_margin(job->search->d);

	if (!(square > safe_low && square < safe_high))
		return true;
	double length = sqrt((double)square);
	if (job->search->metric == METRIC_COSINE)
		bar = (bar - margin) * length;
	else
		bar -= margin * asker->length * length + 1e-37;
	return !(product < bar);
}

/* Up to TILE_ROWS rows for one query; counted where tally is not NULL. */
static void scan_rows(struct job *job, const struct asker *asker, size_t first,
		      size_t rows, float *scratch, struct tally *tally)
{
	const struct search *search = job->search;
	float products[TILE_ROWS], squares[TILE_ROWS];

	job->kernel->glance(asker->unit, search->rows + first * search->d, rows,
			    search->d, products, squares);
	for (size_t r = 0; r < rows; r++) {
		size_t row = first + r;
		bool safe = squares[r] > safe_low && squares[r] < safe_high;
		struct tally seen = {0, is_allowed(search, row)};
		double factor = 0;

		bool wanted = !asker->zero && row != asker->skip &&
			      seen.eligible != 0 &&
			      is_promising(job, asker, products[r], squares[r]);
		if (wanted || !safe) {
			seen.eligible = 0;
			factor = admit(job, row, &seen);
		}
		tally->zeros += seen.zeros;
		tally->eligible += seen.eligible;
		if (!wanted || factor == 0)
			continue;
		tile_scale(scratch, 1, search->rows + row * search->d,
			   search->d, factor);
		list_offer(asker->list, search->metric,
			   job->kernel->chain(asker->unit, scratch, search->d),
			   (uint32_t)row);
	}
}

static struct asker asker_make(struct job *job, size_t query, size_t range,
			       float *unit)
{
	const struct search *search = job->search;
	const struct query *asked = &job->queries[query];

	tile_scale(unit, 1, asked->vector, search->d, job->factors[query]);
	return (struct asker){
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
	struct asker askers[FEW];
	struct tally rest = {0, 0};

	for (size_t q = 0; q < job->count; q++)
		askers[q] = asker_make(job, q, range, units + q * d);
	for (size_t row = begin; row < end; row += TILE_ROWS) {
		size_t rows = end - row < TILE_ROWS ? end - row : TILE_ROWS;

		for (size_t q = 0; q < job->count; q++)
			scan_rows(job, &askers[q], row, rows, scratch,
				  q == 0 ? &job->tallies[range] : &rest);
	}
	free(units);
}

/* ----------------------------------------------------------- many queries */

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

/* Pack TILE_ROWS rows for the tile; those that cannot be answers begin with a
 * NaN, which makes their scores NaN, above nothing. */
static void pack_rows(const struct job *job, size_t first, size_t end,
		      float *packed)
{
	size_t d = job->search->d;

	for (size_t r = 0; r < TILE_ROWS; r++) {
		size_t row = first + r;
		double factor = row < end ? job->admitted[row] : 0;

		if (factor != 0) {
			tile_scale(packed + r, TILE_ROWS,
				   job->search->rows + row * d, d, factor);
			continue;
		}
		for (size_t j = 0; j < d; j++)
			packed[j * TILE_ROWS + r] = j == 0 ? NAN : 0;
	}
}

/* Pack the queries of a panel in groups of TILE_QUERIES; least is infinite
 * for those that are all zeros and for those that fill up the last group. */
static void pack_queries(const struct job *job, size_t first, size_t count,
			 float *packed, float *least)
{
	size_t d = job->search->d;
	size_t padded =
		(count + TILE_QUERIES - 1) / TILE_QUERIES * TILE_QUERIES;

	for (size_t q = 0; q < padded; q++) {
		float *to = packed + q / TILE_QUERIES * TILE_QUERIES * d +
			    q % TILE_QUERIES;
		double factor = q < count ? job->factors[first + q] : 0;

		least[q] = factor == 0 ? INFINITY : job->floor;
		if (factor != 0)
			tile_scale(to, TILE_QUERIES,
				   job->queries[first + q].vector, d, factor);
		else
			for (size_t j = 0; j < d; j++)
				to[j * TILE_QUERIES] = 0;
	}
}

/* Offer the rows of a tile that are above a query's bar; returns the new
 * bar. */
static float offer_rows(struct job *job, struct list *list, size_t skip,
			const float *scores, uint64_t above, size_t first)
{
	for (; above != 0; above &= above - 1) {
		unsigned r = (unsigned)__builtin_ctzll(above);

		if (first + r != skip)
			list_offer(list, job->search->metric, scores[r],
				   (uint32_t)(first + r));
	}
	return bar_of(job, list);
}

/* A panel of queries over a range of rows, block by block. */
static void tile_piece(struct job *job, size_t first, size_t count,
		       size_t range, size_t begin, size_t end)
{
	size_t d = job->search->d;
	size_t room = count + TILE_QUERIES;
	float *queries = alloc_aligned(alloc_product(room, d), sizeof *queries);
	float *rows = alloc_aligned(alloc_product(TILE_ROWS, d), sizeof *rows);
	float *least = alloc(room, sizeof *least);
	struct list *lists = job->lists + range * job->count + first;
	const struct query *asked = job->queries + first;
	_Alignas(64) float scores[TILE_QUERIES * TILE_ROWS];
	uint64_t above[TILE_QUERIES];

	pack_queries(job, first, count, queries, least);
	for (size_t row = begin; row < end; row += TILE_ROWS) {
		pack_rows(job, row, end, rows);
		for (size_t q = 0; q < count; q += TILE_QUERIES) {
			job->kernel->tile(queries + q * d, rows, d, least + q,
					  NULL, scores, above);
			for (size_t i = 0; i < TILE_QUERIES; i++)
				if (above[i] != 0)
					least[q + i] = offer_rows(
						job, &lists[q + i],
						skipped_row(job->search,
							    asked[q + i].self),
						scores + i * TILE_ROWS,
						above[i], row);
		}
	}
	free(queries);
	free(rows);
	free(least);
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
	for (size_t range = 0; range < job->ranges; range++) {
		struct list *list = &job->lists[range * job->count + query];

		for (size_t i = 0; i < list->count; i++)
			list_keep(&all, list->hits[i]);
		all.matching += list->matching;
		free(list->hits);
	}
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
	list_sort(list);
	job->found[query].hits = list->hits;
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
	size_t range = piece % job->ranges;
	size_t first = piece / job->ranges * job->panel;
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

static size_t divide_up(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

/* Decide on panels and ranges.  It changes no answer. */
static void cut(struct job *job)
{
	const struct search *search = job->search;
	size_t panel = PANEL_BYTES / sizeof(float) / search->d;
	size_t pieces = search->threads > 1 ? PIECES * search->threads : 1;

	if (panel > PANEL_QUERIES)
		panel = PANEL_QUERIES;
	if (panel < 16 * TILE_QUERIES)
		panel = 16 * TILE_QUERIES;
	job->panels = divide_up(job->count, panel);
	panel = divide_up(job->count, job->panels);
	job->panel = divide_up(panel, TILE_QUERIES) * TILE_QUERIES;
	job->panels = divide_up(job->count, job->panel);
	job->range = divide_up(search->n, divide_up(pieces, job->panels));
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
		.kernel = job->kernel,
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
		.kernel = search->kernel ? search->kernel : tile_best(),
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
		(length > BEST_HEAP ? 2 : 1) * length * sizeof(struct hit) +
		256;

	return bytes < BATCH_BYTES ? BATCH_BYTES / bytes : 1;
}
