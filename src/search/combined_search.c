#include "search/combined_search.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "search/combined_candidates.h"

enum {
	/* Each gets a score where so few may be answers, and they are few of
	 * the rows. */
	DIRECT_ROWS = 5000,
	DIRECT_SHARE = 8,
	RANGES = 4 /* for each thread, of one query's rows */
};

/* What a thread works in. */
struct worker {
	struct candidates candidates;
	double *spread;   /* m: the query's values, zeros between uses */
	uint32_t *scored; /* rows that have been offered */
	size_t scored_room;
};

struct combined_workspace {
	struct worker *workers;
	unsigned count;
	atomic_flag taken; /* by a search */
};

/* A search in hand. */
struct run {
	struct combined_search search;
	const struct combined_query *queries;
	size_t count;
	struct search_result *found;
	size_t ranges;        /* pieces of the rows; 1 with an index */
	struct topk *lists;   /* count x ranges */
	size_t *eligible;     /* of ranges: rows that may be answers */
	size_t *zeros;        /* of ranges */
	float min_score;      /* at most search.min_score */
	_Atomic size_t wrong; /* the first row that is refused */
	bool own;             /* the workspace is of this search alone */
};

/* A query that is being answered. */
struct asked {
	const struct combined_query *query;
	struct score_side side;
	struct topk *answers;
	size_t scored;
};

struct combined_workspace *combined_workspace_new(unsigned threads, size_t m)
{
	struct combined_workspace *workspace = alloc(1, sizeof *workspace);

	workspace->count = threads;
	workspace->workers = alloc(threads, sizeof *workspace->workers);
	for (unsigned t = 0; t < threads; t++) {
		candidates_begin(&workspace->workers[t].candidates);
		workspace->workers[t].spread =
			alloc(m, sizeof *workspace->workers[t].spread);
	}
	return workspace;
}

void combined_workspace_free(struct combined_workspace *workspace)
{
	for (unsigned t = 0; workspace != NULL && t < workspace->count; t++) {
		candidates_end(&workspace->workers[t].candidates);
		free(workspace->workers[t].spread);
		free(workspace->workers[t].scored);
	}
	if (workspace != NULL)
		free(workspace->workers);
	free(workspace);
}

/* ------------------------------------------------------------------ scores */

/* May the row be an answer to the query? */
static bool may_answer(const struct combined_search *search,
		       const struct combined_query *query, size_t row)
{
	return (row != query->self || search->with_self) &&
	       (search->allowed == NULL || bitset_test(search->allowed, row));
}

/* A row as a side of a score; its products with the query. */
static struct score_side row_side(const struct combined_search *search,
				  const struct combined_query *row)
{
	double x_square =
		search->similarity.profile
			? 0
			: embedding_dot(row->vector, row->vector, search->d);

	return score_side_make(&search->similarity,
			       row_square(row->values, row->count), x_square);
}

/* Offer a row to the answers with its score. */
static void offer(const struct combined_search *search, struct asked *asked,
		  const struct worker *worker, size_t row)
{
	const struct combined_query *query = asked->query;
	struct combined_query other = combined_query_row(
		search->matrix, search->embedding, search->d, row, ROW_NONE);
	struct score_side side = row_side(search, &other);
	double x_dot = 0;
	float score;

	if (!(side.square > 0))
		return;
	if (!search->similarity.profile)
		x_dot = embedding_dot(query->vector, other.vector, search->d);
	score = combined_score(
		&search->similarity, &asked->side, &side,
		row_dot(worker->spread, other.tags, other.values, other.count),
		x_dot);
	topk_push(asked->answers, METRIC_EMBEDDING,
		  row == query->self ? 1 : score, (uint32_t)row);
}

static void spread_set(struct worker *worker,
		       const struct combined_query *query, double factor)
{
	for (size_t i = 0; i < query->count; i++)
		worker->spread[query->tags[i]] = query->values[i] * factor;
}

/* --------------------------------------------------------------- every row */

static void note_wrong(struct run *run, size_t row)
{
	size_t first = run->wrong;

	while (row < first)
		if (atomic_compare_exchange_weak(&run->wrong, &first, row))
			return;
}

/* False where the row cannot be an answer to any query; without an index it is
 * checked, and counted where that is asked for. */
static bool admit_row(struct run *run, size_t row, size_t range, bool counting)
{
	const struct combined_search *search = &run->search;
	struct combined_query self;
	double x_square;

	if (search->index != NULL)
		return bitset_test(search->index->weighted, row);
	if (csr_matrix_check_row(search->matrix, row) != NULL) {
		note_wrong(run, row);
		return false;
	}
	self = combined_query_row(search->matrix, search->embedding, search->d,
				  row, ROW_NONE);
	x_square = embedding_dot(self.vector, self.vector, search->d);
	if (!isfinite(x_square)) {
		note_wrong(run, row);
		return false;
	}
	bool weighted = row_square(self.values, self.count) > 0;
	if (counting) {
		run->zeros[range] += !weighted;
		run->eligible[range] +=
			weighted && (search->allowed == NULL ||
				     bitset_test(search->allowed, row));
	}
	return weighted;
}

/* Give every row of a range a score. */
static void score_range_rows(struct run *run, struct asked *asked,
			     struct worker *worker, size_t range)
{
	const struct combined_search *search = &run->search;
	bool counting = asked->query == run->queries;
	bool zero = run->found[asked->query - run->queries].zero;
	size_t n = search->matrix->n;
	size_t row = n / run->ranges * range;
	size_t end = range + 1 == run->ranges ? n : row + n / run->ranges;

	for (; row < end; row++) {
		if (search->allowed != NULL && row % 64 == 0 &&
		    row + 64 <= end && search->allowed[row / 64] == 0 &&
		    search->index != NULL) {
			row += 63;
			continue;
		}
		if (admit_row(run, row, range, counting) && !zero &&
		    may_answer(search, asked->query, row))
			offer(search, asked, worker, row);
	}
}

/* ------------------------------------------------------------ by the index */

static int falling_bound(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->high < y->high) - (x->high > y->high);
}

static int rising_row(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void fetch_row(const struct combined_search *search, size_t row)
{
	size_t begin = (size_t)search->matrix->indptr[row];
	const float *vector = search->embedding + row * search->d;

	__builtin_prefetch(search->matrix->indices + begin);
	__builtin_prefetch(search->matrix->values + begin);
	for (size_t j = 0; j < search->d; j += 16)
		__builtin_prefetch(vector + j);
}

static void offer_once(const struct combined_search *search,
		       struct asked *asked, struct worker *worker, uint32_t row)
{
	offer(search, asked, worker, row);
	worker->scored = alloc_grow(worker->scored, &worker->scored_room,
				    asked->scored + 1, sizeof *worker->scored);
	worker->scored[asked->scored++] = row;
	if (asked->answers->count >= asked->answers->limit)
		candidates_raise(&worker->candidates,
				 asked->answers->threshold);
}

/* Give scores to candidates, the highest bound first. */
static void score_candidates(const struct combined_search *search,
			     struct asked *asked, struct worker *worker)
{
	enum { AHEAD = 6 };
	struct candidates *candidates = &worker->candidates;
	struct candidate *list = candidates->bounded;
	size_t count = 0;

	for (size_t i = 0; i < candidates->bounded_count; i++)
		if (list[i].high >= candidates->threshold)
			list[count++] = list[i];
	if (count > 1)
		qsort(list, count, sizeof *list, falling_bound);
	for (size_t i = 0; i < count && i < AHEAD; i++)
		fetch_row(search, list[i].row);
	for (size_t i = 0; i < count && list[i].high >= candidates->threshold;
	     i++) {
		if (i + AHEAD < count)
			fetch_row(search, list[i + AHEAD].row);
		offer_once(search, asked, worker, list[i].row);
	}
}

/* Every row of an open bin may be an answer though it shares no tag: go through
 * their codes.  Those with sums above 0 are offered, or below the threshold. */
static void scan_open(const struct combined_search *search, struct asked *asked,
		      struct worker *worker)
{
	struct candidates *candidates = &worker->candidates;
	const struct inverted_index *index = search->index;
	size_t scored = asked->scored;

	if (scored > 1)
		qsort(worker->scored, scored, sizeof *worker->scored,
		      rising_row);
	for (size_t row = 0; row < search->matrix->n; row++) {
		uint32_t key = (uint32_t)row;

		if ((candidates->open >> index->bin[row] & 1) == 0 ||
		    !may_answer(search, asked->query, row) ||
		    combined_bounds_glance(&candidates->bounds, key, 0).high <
			    candidates->threshold ||
		    combined_bounds_of(&candidates->bounds, key, 0).high <
			    candidates->threshold)
			continue;
		if (scored > 0 &&
		    bsearch(&key, worker->scored, scored,
			    sizeof *worker->scored, rising_row) != NULL)
			continue;
		offer(search, asked, worker, row);
		if (asked->answers->count >= asked->answers->limit)
			candidates_raise(candidates, asked->answers->threshold);
	}
}

/* The same for the cosine of rows: who shares no tag has 0 exactly. */
static void scan_sharing(const struct combined_search *search,
			 struct asked *asked, struct worker *worker)
{
	const struct inverted_index *index = search->index;
	size_t n = search->matrix->n;
	uint64_t *sharing = bitset_new(n);

	for (size_t i = 0; i < asked->query->count; i++)
		for (size_t b = 0; b < index->blocks; b++) {
			const uint32_t *start =
				&index->starts[(size_t)asked->query->tags[i] *
						       index->blocks +
					       b];

			for (uint32_t j = start[0]; j < start[1]; j++)
				bitset_set(sharing,
					   b * INDEX_BLOCK_ROWS +
						   index->postings[j].row);
		}
	/* All over again, which finds every row once. */
	size_t limit = asked->answers->limit;
	topk_free(asked->answers);
	topk_begin(asked->answers, limit, search->min_score);
	for (size_t row = 0; row < n; row++) {
		if (!bitset_test(index->weighted, row) ||
		    !may_answer(search, asked->query, row))
			continue;
		if (bitset_test(sharing, row))
			offer(search, asked, worker, row);
		else
			topk_push(asked->answers, METRIC_EMBEDDING, 0,
				  (uint32_t)row);
	}
	free(sharing);
}

static void answer_by_index(const struct run *run, struct asked *asked,
			    struct worker *worker)
{
	const struct combined_search *search = &run->search;
	struct candidates *candidates = &worker->candidates;

	combined_bounds_begin(&candidates->bounds, search->index,
			      search->kernel, &search->similarity);
	combined_bounds_set(&candidates->bounds, &search->similarity,
			    &asked->side, asked->query->vector,
			    asked->query->count);
	candidates->threshold = run->min_score;
	candidates->raising = !search->count_matching;
	candidates->limit = search->limit;
	candidates->allowed = search->allowed;
	candidates->excluded =
		search->with_self ? ROW_NONE : asked->query->self;
	candidates_find(candidates, asked->query);
	score_candidates(search, asked, worker);
	if (candidates->open != 0 && search->similarity.profile)
		scan_sharing(search, asked, worker);
	else if (candidates->open != 0)
		scan_open(search, asked, worker);
	combined_bounds_end(&candidates->bounds);
}

/* --------------------------------------------------------------- the search */

static void finish_query(struct run *run, size_t query)
{
	struct topk *list = &run->lists[query * run->ranges];
	struct search_result *found = &run->found[query];

	if (run->ranges > 1) {
		struct topk all;
		size_t n = run->search.matrix->n;

		topk_begin(&all, run->search.limit < n ? run->search.limit : n,
			   run->search.min_score);
		for (size_t r = 0; r < run->ranges; r++)
			topk_merge(&all, &list[r]);
		*list = all;
	}
	found->hits = topk_finish(list);
	found->count = list->count;
	found->matching = list->matching;
}

static void run_piece(void *shared, size_t piece, unsigned thread)
{
	struct run *run = shared;
	const struct combined_search *search = &run->search;
	struct worker *worker = &search->workspace->workers[thread];
	size_t query = piece / run->ranges, range = piece % run->ranges;
	size_t n = search->matrix->n;
	struct asked asked = {.query = &run->queries[query],
			      .answers = &run->lists[piece]};
	bool few = run->eligible[0] < DIRECT_ROWS &&
		   run->eligible[0] < n / DIRECT_SHARE;

	asked.side = row_side(search, asked.query);
	topk_begin(asked.answers, search->limit < n ? search->limit : n,
		   search->min_score);
	spread_set(worker, asked.query, 1);
	if (search->index == NULL || few)
		score_range_rows(run, &asked, worker, range);
	else if (!run->found[query].zero)
		answer_by_index(run, &asked, worker);
	spread_set(worker, asked.query, 0);
	if (run->ranges == 1)
		finish_query(run, query);
	if (range + 1 == run->ranges && !search->quiet)
		progress_add(1);
}

/* How many rows may be answers, of those with weight. */
static size_t count_eligible(const struct combined_search *search)
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

/* Is the asked row one that could be an answer, and is it left out? */
static bool leaves_out_own(const struct combined_search *search,
			   const struct combined_query *query)
{
	struct combined_query own;

	if (query->self == ROW_NONE || search->with_self ||
	    (search->allowed != NULL &&
	     !bitset_test(search->allowed, query->self)))
		return false;
	own = combined_query_row(search->matrix, search->embedding, search->d,
				 query->self, ROW_NONE);
	return row_square(own.values, own.count) > 0;
}

/* Counts that do not depend on how rows were gone through. */
static void count_candidates(struct run *run, size_t *zeros)
{
	const struct combined_search *search = &run->search;
	size_t eligible = 0;

	*zeros = 0;
	for (size_t r = 0; r < run->ranges; r++) {
		eligible += run->eligible[r];
		*zeros += run->zeros[r];
	}
	for (size_t q = 0; q < run->count; q++)
		if (!run->found[q].zero)
			run->found[q].candidates =
				eligible -
				leaves_out_own(search, &run->queries[q]);
}

static const char *wrong_row(const struct combined_search *search, size_t row)
{
	const char *error = csr_matrix_check_row(search->matrix, row);

	return error != NULL ? error
			     : error_text("row %zu of the embedding is not "
					  "finite",
					  row);
}

static float below(double score)
{
	return score > -INFINITY ? nextafterf((float)score, -INFINITY)
				 : -INFINITY;
}

/* Fill in what was left to choose. */
static void run_begin(struct run *run)
{
	struct combined_search *search = &run->search;

	if (search->threads == 0)
		search->threads = 1;
	if (search->kernel == NULL)
		search->kernel = combined_kernel_best();
	run->own = search->workspace == NULL ||
		   search->workspace->count < search->threads ||
		   atomic_flag_test_and_set(&search->workspace->taken);
	if (run->own)
		search->workspace = combined_workspace_new(search->threads,
							   search->matrix->m);
	run->ranges = 1;
	if (search->index == NULL && run->count < search->threads)
		run->ranges = (size_t)search->threads * RANGES;
	run->lists = alloc(alloc_product(run->count, run->ranges),
			   sizeof *run->lists);
	run->eligible = alloc(run->ranges, sizeof *run->eligible);
	run->zeros = alloc(run->ranges, sizeof *run->zeros);
	for (size_t q = 0; q < run->count; q++)
		run->found[q].zero = !(row_square(run->queries[q].values,
						  run->queries[q].count) > 0);
	if (search->index != NULL) {
		run->eligible[0] = count_eligible(search);
		run->zeros[0] = search->index->zeros;
	}
}

const char *combined_search_run(const struct combined_search *search,
				const struct combined_query *queries,
				size_t count, struct search_result *found,
				size_t *zeros)
{
	struct run run = {
		.search = *search,
		.queries = queries,
		.count = count,
		.found = found,
		.min_score = below(search->min_score),
		.wrong = ROW_NONE,
	};
	const char *error = NULL;

	memset(found, 0, count * sizeof *found);
	*zeros = 0;
	if (search->matrix->n > UINT32_MAX)
		return "more than 4,294,967,295 customers";
	run_begin(&run);
	thread_pool_run(run.search.threads, alloc_product(count, run.ranges),
			run_piece, &run);
	if (run.ranges > 1)
		for (size_t q = 0; q < count; q++)
			finish_query(&run, q);
	if (run.wrong != ROW_NONE) {
		search_results_free(found, count);
		error = wrong_row(search, run.wrong);
	} else {
		count_candidates(&run, zeros);
	}
	if (run.own)
		combined_workspace_free(run.search.workspace);
	else
		atomic_flag_clear(&run.search.workspace->taken);
	free(run.lists);
	free(run.eligible);
	free(run.zeros);
	return error;
}
