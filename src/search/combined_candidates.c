#include "search/combined_candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/recovery.h"

enum {
	CHUNK_ROWS = 4096, /* rows of a block scanned with one set of
			      thresholds */
	NEW_ROWS = 1024,   /* new candidates that are pruned together */
	FEW_ROWS = 64,     /* fewer new ones do not raise the threshold */
	PAST = 16,         /* room for a kernel's last store */
	AHEAD = 12,        /* how many rows before its use a row's codes are
			      prefetched */
	HALVINGS = 14,
	/* All rows of a block are scanned where its lists have more than one
	 * posting for so many rows. */
	SPARSE = 3,
};

/* The query's tags with their quantized weights: head tags, which have columns,
 * and others, which have lists of postings. */
struct query_lists {
	struct column_set heads;
	const int32_t *tags; /* of the query */
	size_t count;
	int32_t *weights; /* of each tag; 0 for those with a column */
};

void candidates_begin(struct candidates *candidates)
{
	*candidates = (struct candidates){0};
	candidates->sums = alloc_aligned(INDEX_BLOCK_ROWS + INDEX_PAD,
					 sizeof *candidates->sums);
	candidates_clear(candidates);
}

void candidates_clear(struct candidates *candidates)
{
	memset(candidates->sums, 0,
	       (INDEX_BLOCK_ROWS + INDEX_PAD) * sizeof *candidates->sums);
}

void candidates_keep(struct candidates *candidates)
{
	recovery_forget(candidates->rows);
	recovery_forget(candidates->row_sums);
	recovery_forget(candidates->largest_rows);
	recovery_forget(candidates->largest_sums);
	recovery_forget(candidates->bounded);
}

void candidates_end(struct candidates *candidates)
{
	free(candidates->sums);
	free(candidates->rows);
	free(candidates->row_sums);
	free(candidates->largest_rows);
	free(candidates->largest_sums);
	free(candidates->bounded);
}

static void grow_pairs(uint32_t **rows, int32_t **sums, size_t *room,
		       size_t needed)
{
	if (needed <= *room)
		return;
	needed += needed / 2;
	*rows = alloc_resize(*rows, needed, sizeof **rows);
	*sums = alloc_resize(*sums, needed, sizeof **sums);
	*room = needed;
}

static void make_room(struct candidates *candidates, size_t more)
{
	grow_pairs(&candidates->rows, &candidates->row_sums, &candidates->room,
		   candidates->count + more + PAST);
}

static void set_thresholds(struct candidates *candidates)
{
	int32_t low = INT32_MAX;

	candidates->unpruned = combined_bounds_thresholds(
		&candidates->bounds, candidates->threshold,
		candidates->thresholds);
	for (size_t b = 0; b < INDEX_BINS; b++)
		if (candidates->thresholds[b] < low)
			low = candidates->thresholds[b];
	candidates->lowest_threshold = low;
}

void candidates_raise(struct candidates *candidates, float threshold)
{
	if (!candidates->may_raise || !(threshold > candidates->threshold))
		return;
	candidates->threshold = threshold;
	set_thresholds(candidates);
}

/* ------------------------------------------------------------------ bounds */

static void fetch_codes(const struct inverted_index *index, uint32_t row)
{
	size_t bytes = index->code_columns / 2;

	for (size_t i = 0; i < bytes; i += 64)
		__builtin_prefetch(index->codes + row * bytes + i);
	__builtin_prefetch(&index->rows[row]);
}

/* Bound the scores of rows with those sums by their codes, keep those whose
 * upper bound reaches the threshold, and raise the threshold to the k-th
 * largest lower bound. */
static void bound_rows(struct candidates *candidates, const uint32_t *rows,
		       const int32_t *sums, size_t count)
{
	const struct combined_bounds *bounds = &candidates->bounds;
	float threshold = candidates->threshold;

	candidates->bounded =
		alloc_grow(candidates->bounded, &candidates->bounded_room,
			   candidates->bounded_count + count + 1,
			   sizeof *candidates->bounded);
	for (size_t i = 0; i < count && i < AHEAD; i++)
		fetch_codes(bounds->index, rows[i]);
	for (size_t i = 0; i < count; i++) {
		uint32_t row = rows[i];

		if (i + AHEAD < count)
			fetch_codes(bounds->index, rows[i + AHEAD]);
		if (combined_bounds_by_norms(bounds, row, sums[i]).high <
		    threshold)
			continue;
		struct score_range range =
			combined_bounds_by_codes(bounds, row, sums[i]);
		if (range.high < threshold)
			continue;
		candidates->bounded[candidates->bounded_count++] =
			(struct candidate){range.high, row};
		if (!candidates->may_raise)
			continue;
		topk_push(&candidates->lower, METRIC_EMBEDDING, range.low, row);
		if (candidates->lower.threshold > threshold)
			threshold = candidates->lower.threshold;
	}
	candidates_raise(candidates, threshold);
}

/* Returns t such that at least k of the count numbers are >= t, found by
 * bisection: at most the k-th largest, and rarely reached by many more than k;
 * 0 where fewer than k are above 0. */
static int32_t nth_largest(const struct combined_kernel *kernel,
			   const int32_t *numbers, size_t count, size_t k)
{
	int32_t low = 0, high = 0;

	if (count < k)
		return 0;
	for (size_t i = 0; i < count; i++)
		high = numbers[i] > high ? numbers[i] : high;
	for (int i = 0; i < HALVINGS && high - low > 1; i++) {
		int32_t middle = low + (high - low) / 2;
		size_t reached = kernel->count_at_least(numbers, count, middle);

		if (reached < k) {
			high = middle;
			continue;
		}
		low = middle;
		if (reached <= k + k / 2 + 8)
			break;
	}
	return low;
}

/* Drop a row from the new candidates, where it is one. */
static void drop_row(struct candidates *candidates, uint32_t row)
{
	enum { STEP = 64 };
	uint32_t *rows = candidates->rows;

	for (size_t i = candidates->new_begin; i < candidates->count;
	     i += STEP) {
		size_t left = candidates->count - i, at = i;
		size_t end = i + (left < STEP ? left : STEP);
		uint32_t found = 0;

		/* A loop that the compiler turns into one over several. */
		for (size_t j = i; j < end; j++)
			found |= rows[j] == row;
		if (found == 0)
			continue;
		while (rows[at] != row)
			at++;
		candidates->count--;
		rows[at] = rows[candidates->count];
		candidates->row_sums[at] =
			candidates->row_sums[candidates->count];
		return;
	}
}

/* Drop new candidates that may not be results. */
static void drop_excluded(struct candidates *candidates)
{
	size_t kept = candidates->new_begin;

	if (candidates->allowed == NULL) {
		if (candidates->excluded < UINT32_MAX)
			drop_row(candidates, (uint32_t)candidates->excluded);
		return;
	}
	for (size_t i = candidates->new_begin; i < candidates->count; i++) {
		uint32_t row = candidates->rows[i];

		candidates->rows[kept] = row;
		candidates->row_sums[kept] = candidates->row_sums[i];
		kept += row != candidates->excluded &&
			bitset_test(candidates->allowed, row);
	}
	candidates->count = kept;
}

/* Bound the new candidates with the largest sums, about 2 k, by their codes. */
static void bound_largest(struct candidates *candidates, size_t limit)
{
	const struct combined_kernel *kernel = candidates->bounds.kernel;
	size_t new_count = candidates->count - candidates->new_begin, best = 0;
	uint32_t *rows = candidates->rows + candidates->new_begin;
	int32_t *sums = candidates->row_sums + candidates->new_begin;
	int32_t low = 0;

	if (limit <= new_count / 2)
		low = nth_largest(kernel, sums, new_count, 2 * limit);
	if (low <= 0)
		return;
	grow_pairs(&candidates->largest_rows, &candidates->largest_sums,
		   &candidates->largest_room, new_count + PAST);
	best = kernel->select(low, rows, sums, new_count,
			      candidates->largest_rows,
			      candidates->largest_sums);
	bound_rows(candidates, candidates->largest_rows,
		   candidates->largest_sums, best);
	/* By the threshold as it has become, which drops nearly all. */
	candidates->count = candidates->new_begin +
			    kernel->filter(candidates->thresholds,
					   candidates->bounds.index->bin, low,
					   rows, sums, new_count);
}

/* Raise the threshold by the new candidates, and drop all those below it. */
static void prune_new(struct candidates *candidates)
{
	drop_excluded(candidates);
	if (candidates->may_raise &&
	    candidates->count - candidates->new_begin > FEW_ROWS)
		bound_largest(candidates, candidates->limit);
	candidates->count = candidates->bounds.kernel->filter(
		candidates->thresholds, candidates->bounds.index->bin,
		INT32_MAX, candidates->rows, candidates->row_sums,
		candidates->count);
	candidates->new_begin = candidates->count;
}

/* ------------------------------------------------------------------- lists */

static struct query_lists query_lists_make(const struct inverted_index *index,
					   const struct search_query *query)
{
	struct query_lists lists = {
		.tags = query->tags,
		.count = query->count,
		.weights = alloc(query->count, sizeof *lists.weights)};
	double square = row_square(query->values, query->count);
	double unit = INDEX_WEIGHT_ONE / sqrt(square);

	for (size_t i = 0; i < query->count; i++) {
		int32_t weight = (int32_t)lrint(query->values[i] * unit);
		const int16_t *column = index->columns[query->tags[i]];

		if (column == NULL) {
			lists.weights[i] = weight;
		} else {
			lists.heads.columns[lists.heads.count] = column;
			lists.heads.weights[lists.heads.count++] = weight;
		}
	}
	return lists;
}

static void add_list(int32_t *restrict sums, const struct posting *list,
		     size_t count, int32_t weight)
{
	size_t i = 0;

	for (; i + 4 <= count; i += 4) {
		sums[list[i].row] += weight * list[i].weight;
		sums[list[i + 1].row] += weight * list[i + 1].weight;
		sums[list[i + 2].row] += weight * list[i + 2].weight;
		sums[list[i + 3].row] += weight * list[i + 3].weight;
	}
	for (; i < count; i++)
		sums[list[i].row] += weight * list[i].weight;
}

/* The postings of the query's tag i in a block. */
static const struct posting *list_at(const struct inverted_index *index,
				     const struct query_lists *lists, size_t i,
				     size_t block, size_t *count)
{
	const uint32_t *start =
		&index->starts[(size_t)lists->tags[i] * index->blocks + block];

	*count = lists->weights[i] == 0 ? 0 : start[1] - start[0];
	return index->postings + start[0];
}

/* Have the processor load the start of such a list; what follows it loads by
 * itself. */
static void prefetch_list(const struct inverted_index *index,
			  const struct query_lists *lists, size_t i,
			  size_t block)
{
	enum { LINE = 64, LINES = 4 };
	size_t count;
	/* The lines may be past the list, or the postings. */
	uintptr_t list = (uintptr_t)list_at(index, lists, i, block, &count);

	for (size_t line = 0; line < LINES; line++)
		__builtin_prefetch((const void *)(list + line * LINE));
}

/* The query's tag with the longest list of a block; *total becomes how many
 * postings all of them have. */
static size_t longest_list(const struct inverted_index *index,
			   const struct query_lists *lists, size_t block,
			   size_t *total)
{
	size_t longest = 0, most = 0, count;

	*total = 0;
	for (size_t i = 0; i < lists->count; i++) {
		list_at(index, lists, i, block, &count);
		*total += count;
		if (count > most) {
			most = count;
			longest = i;
		}
	}
	return longest;
}

/* Add the query's lists of a block, but for that of tag omitted, to the sums of
 * its rows. */
static void add_lists(struct candidates *candidates,
		      const struct query_lists *lists, size_t block,
		      size_t omitted)
{
	const struct inverted_index *index = candidates->bounds.index;
	size_t count;

	for (size_t i = 0; i < lists->count; i++) {
		const struct posting *list =
			list_at(index, lists, i, block, &count);

		if (i + 1 < lists->count)
			prefetch_list(index, lists, i + 1, block);
		if (i != omitted)
			add_list(candidates->sums, list, count,
				 lists->weights[i]);
	}
}

/* Append rows of a list, with their sums and weight times those of the list, to
 * the candidates, where that is threshold or more; clear their sums. */
static inline __attribute__((always_inline)) size_t
collect_list(struct candidates *candidates, const struct posting *list,
	     size_t count, int32_t weight, uint32_t first, size_t found)
{
	int32_t threshold = candidates->lowest_threshold;
	int32_t *restrict sums = candidates->sums;
	int32_t *restrict out = candidates->row_sums;
	uint32_t *restrict rows = candidates->rows;

	for (size_t j = 0; j < count; j++) {
		int32_t sum = sums[list[j].row] + weight * list[j].weight;

		sums[list[j].row] = 0;
		rows[found] = first + list[j].row;
		out[found] = sum;
		found += sum >= threshold;
	}
	return found;
}

/* Append the rows of a block that its lists name, total, to the candidates, and
 * clear their sums, to which the longest list is not yet added: by walking the
 * lists, the longest first.  Where a row has several postings, its sum is 0,
 * and below every threshold, from the second on. */
static void collect_listed(struct candidates *candidates,
			   const struct query_lists *lists, size_t block,
			   size_t longest, size_t total)
{
	const struct inverted_index *index = candidates->bounds.index;
	uint32_t first = (uint32_t)(block * INDEX_BLOCK_ROWS);
	const struct posting *list;
	size_t count;

	if (total == 0)
		return;
	make_room(candidates, total);
	list = list_at(index, lists, longest, block, &count);
	candidates->count =
		collect_list(candidates, list, count, lists->weights[longest],
			     first, candidates->count);
	for (size_t i = 0; i < lists->count; i++) {
		list = list_at(index, lists, i, block, &count);
		if (i != longest)
			candidates->count =
				collect_list(candidates, list, count, 0, first,
					     candidates->count);
	}
}

static size_t rows_of(const struct inverted_index *index, size_t block)
{
	size_t rows = index->matrix->n - block * INDEX_BLOCK_ROWS;

	return rows < INDEX_BLOCK_ROWS ? rows : INDEX_BLOCK_ROWS;
}

/* Append rows of a block to the candidates by scanning all of its sums, to
 * which the columns of head tags are added. */
static void collect_block(struct candidates *candidates,
			  const struct query_lists *lists, size_t block)
{
	const struct inverted_index *index = candidates->bounds.index;
	size_t first = block * INDEX_BLOCK_ROWS;
	size_t rows = rows_of(index, block);

	for (size_t done = 0; done < rows; done += CHUNK_ROWS) {
		struct column_set heads = lists->heads;
		size_t count = rows - done;

		count = count > CHUNK_ROWS ? CHUNK_ROWS
					   : (count + 15) / 16 * 16;
		for (size_t c = 0; c < heads.count; c++)
			heads.columns[c] += first + done;
		make_room(candidates, count);
		candidates->count += candidates->bounds.kernel->scan(
			&heads, candidates->sums + done,
			index->bin + first + done, candidates->thresholds,
			(uint32_t)(first + done), count,
			candidates->rows + candidates->count,
			candidates->row_sums + candidates->count);
		if (candidates->count - candidates->new_begin >= NEW_ROWS)
			prune_new(candidates);
	}
}

void candidates_find(struct candidates *candidates,
		     const struct search_query *query)
{
	const struct inverted_index *index = candidates->bounds.index;
	struct query_lists lists = query_lists_make(index, query);
	size_t n = index->matrix->n;
	size_t limit = candidates->limit < n ? candidates->limit : n;

	topk_begin(&candidates->lower, limit, -INFINITY);
	candidates->count = candidates->new_begin = candidates->bounded_count =
		0;
	set_thresholds(candidates);
	for (size_t block = 0; block < index->blocks; block++) {
		size_t total,
			longest = longest_list(index, &lists, block, &total);

		if (lists.heads.count > 0 ||
		    total > rows_of(index, block) / SPARSE) {
			add_lists(candidates, &lists, block, lists.count);
			collect_block(candidates, &lists, block);
		} else {
			add_lists(candidates, &lists, block, longest);
			collect_listed(candidates, &lists, block, longest,
				       total);
		}
		if (candidates->count - candidates->new_begin >= NEW_ROWS)
			prune_new(candidates);
	}
	prune_new(candidates);
	bound_rows(candidates, candidates->rows, candidates->row_sums,
		   candidates->count);
	topk_free(&candidates->lower);
	free(lists.weights);
}
