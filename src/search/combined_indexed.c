#include "search/combined_indexed.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "search/combined_deferred.h"

enum {
	AHEAD = 12, /* how many rows before its use a row is loaded */
	FEW = 32    /* candidates that are sorted by insertion */
};

static int falling_bound(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->high < y->high) - (x->high > y->high);
}

static void prefetch_row(const struct combined_options *search, size_t row)
{
	size_t begin = (size_t)search->matrix->indptr[row];
	const float *vector = search->embedding + row * search->d;

	__builtin_prefetch(search->matrix->indices + begin);
	__builtin_prefetch(search->matrix->values + begin);
	for (size_t j = 0; j < search->d; j += 16)
		__builtin_prefetch(vector + j);
}

static void score_candidate(const struct combined_options *search,
			    struct active_query *active,
			    struct combined_worker *worker, uint32_t row)
{
	combined_score_row(search, active, worker, row);
	worker->scored =
		alloc_grow(worker->scored, &worker->scored_room,
			   active->scored_count + 1, sizeof *worker->scored);
	worker->scored[active->scored_count++] = row;
	if (active->top->count >= active->top->limit)
		candidates_raise(&worker->candidates, active->top->threshold);
}

/* Sort candidates by falling upper bounds. */
static void sort_candidates(struct candidate *list, size_t count)
{
	if (count > FEW) {
		qsort(list, count, sizeof *list, falling_bound);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct candidate candidate = list[i];
		size_t at = i;

		for (; at > 0 && list[at - 1].high < candidate.high; at--)
			list[at] = list[at - 1];
		list[at] = candidate;
	}
}

/* Score candidates in order of falling upper bounds, until one is below the
 * threshold. */
static void score_candidates(const struct combined_options *search,
			     struct active_query *active,
			     struct combined_worker *worker)
{
	struct candidates *candidates = &worker->candidates;
	struct candidate *list = candidates->bounded;
	size_t count = 0;

	for (size_t i = 0; i < candidates->bounded_count; i++)
		if (list[i].high >= candidates->threshold) {
			__builtin_prefetch(
				&search->matrix->indptr[list[i].row]);
			list[count++] = list[i];
		}
	sort_candidates(list, count);
	for (size_t i = 0; i < count && i < AHEAD; i++)
		prefetch_row(search, list[i].row);
	for (size_t i = 0; i < count && list[i].high >= candidates->threshold;
	     i++) {
		if (i + AHEAD < count)
			prefetch_row(search, list[i + AHEAD].row);
		score_candidate(search, active, worker, list[i].row);
	}
}

/* Push all rows by the similarity of rows, where the threshold does not prove
 * that one of 0 is no result.  A row that shares no tag with the query has the
 * score 0 exactly, so only those that share one are scored, whatever their sum.
 * O(n + postings). */
static void scan_sharing(const struct combined_options *search,
			 struct active_query *active,
			 struct combined_worker *worker)
{
	const struct inverted_index *index = search->index;
	size_t n = search->matrix->n;
	uint64_t *sharing = bitset_new(n);

	for (size_t i = 0; i < active->query->count; i++)
		for (size_t b = 0; b < index->blocks; b++) {
			const uint32_t *start =
				&index->starts[(size_t)active->query->tags[i] *
						       index->blocks +
					       b];

			for (uint32_t j = start[0]; j < start[1]; j++)
				bitset_set(sharing,
					   b * INDEX_BLOCK_ROWS +
						   index->postings[j].row);
		}
	/* Rows already scored are pushed again, to an empty list. */
	size_t limit = active->top->limit;
	double min_score = active->top->min_score;
	topk_free(active->top);
	topk_begin(active->top, limit, min_score);
	for (size_t row = 0; row < n; row++) {
		if (!bitset_test(index->weighted, row) ||
		    !combined_may_be_result(search, active->query, row))
			continue;
		if (bitset_test(sharing, row))
			combined_score_row(search, active, worker, row);
		else
			topk_push(active->top, METRIC_EMBEDDING, 0,
				  (uint32_t)row);
	}
	free(sharing);
}

/* The largest float that no score of at least so much is below. */
static float float_below(double score)
{
	return score > -INFINITY ? nextafterf((float)score, -INFINITY)
				 : -INFINITY;
}

bool combined_indexed_search(struct combined_job *job,
			     struct active_query *active,
			     struct combined_worker *worker)
{
	const struct combined_options *search = &job->search;
	struct candidates *candidates = &worker->candidates;

	combined_bounds_begin(&candidates->bounds, search->index,
			      search->kernel, &search->similarity);
	combined_bounds_set(&candidates->bounds, &search->similarity,
			    &active->side, active->query->vector,
			    active->query->count);
	candidates->threshold = float_below(combined_min_score(
		job, (size_t)(active->query - job->queries)));
	candidates->may_raise = !search->count_matching;
	candidates->limit = search->limit;
	candidates->allowed = search->allowed;
	candidates->excluded =
		search->with_self ? ROW_NONE : active->query->self;
	candidates_find(candidates, active->query);
	score_candidates(search, active, worker);
	if (candidates->unpruned != 0 && !search->similarity.profile) {
		combined_defer(job, active, worker);
		return false;
	}
	if (candidates->unpruned != 0)
		scan_sharing(search, active, worker);
	combined_bounds_end(&candidates->bounds);
	return true;
}
