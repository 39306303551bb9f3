#include "search/combined_candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"

enum {
	CHUNK_ROWS = 4096, /* rows of a block between thresholds */
	FRESH_ROWS = 1024, /* so many new rows are worth a threshold */
	FEW_ROWS = 64,     /* so few are not */
	PAST = 16,         /* room for a kernel's last store */
	AHEAD = 12,        /* rows whose codes are fetched before */
	HALVINGS = 14,
	/* A block is gone through as a whole where its lists have more than
	 * one posting for so many rows. */
	SPARSE = 3,
};

/* The query's tags: heads, which have columns, and lists of others. */
struct lists {
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
	memset(candidates->sums, 0,
	       (INDEX_BLOCK_ROWS + INDEX_PAD) * sizeof *candidates->sums);
}

void candidates_end(struct candidates *candidates)
{
	free(candidates->sums);
	free(candidates->rows);
	free(candidates->row_sums);
	free(candidates->best_rows);
	free(candidates->best_sums);
	free(candidates->bounded);
}

static void grow_pairs(uint32_t **rows, int32_t **sums, size_t *room,
		       size_t needed)
{
	if (needed <= *room)
		return;
	*room = needed + needed / 2;
	*rows = alloc_resize(*rows, *room, sizeof **rows);
	*sums = alloc_resize(*sums, *room, sizeof **sums);
}

static void make_room(struct candidates *candidates, size_t more)
{
	grow_pairs(&candidates->rows, &candidates->row_sums, &candidates->room,
		   candidates->count + more + PAST);
}

static void set_thresholds(struct candidates *candidates)
{
	int32_t low = INT32_MAX;

	candidates->open = combined_bounds_least(
		&candidates->bounds, candidates->threshold, candidates->least);
	for (size_t b = 0; b < INDEX_BINS; b++)
		if (candidates->least[b] < low)
			low = candidates->least[b];
	candidates->least_of_all = low;
}

void candidates_raise(struct candidates *candidates, float threshold)
{
	if (!candidates->raising || !(threshold > candidates->threshold))
		return;
	candidates->threshold = threshold;
	set_thresholds(candidates);
}

/* ------------------------------------------------------------------ bounds */

static void fetch_codes(const struct inverted_index *index, uint32_t row)
{
	for (size_t i = 0; i < index->code_bytes; i += 64)
		__builtin_prefetch(index->codes + row * index->code_bytes + i);
	__builtin_prefetch(&index->rows[row]);
}

/* Bound rows by their codes; lower bounds raise the threshold. */
static void bound_rows(struct candidates *candidates, const uint32_t *rows,
		       const int32_t *sums, size_t count)
{
	const struct combined_bounds *bounds = &candidates->bounds;
	float threshold = candidates->threshold;

	candidates->bounded =
		alloc_grow(candidates->bounded, &candidates->bounded_room,
			   candidates->bounded_count + count + 1,
			   sizeof *candidates->bounded);
	for (size_t i = 0; i < count; i++) {
		uint32_t row = rows[i];

		if (i + AHEAD < count)
			fetch_codes(bounds->index, rows[i + AHEAD]);
		if (combined_bounds_glance(bounds, row, sums[i]).high <
		    threshold)
			continue;
		struct score_range range =
			combined_bounds_of(bounds, row, sums[i]);
		if (range.high < threshold)
			continue;
		candidates->bounded[candidates->bounded_count++] =
			(struct candidate){range.high, row};
		if (!candidates->raising)
			continue;
		topk_push(&candidates->lower, METRIC_EMBEDDING, range.low, row);
		if (candidates->lower.threshold > threshold)
			threshold = candidates->lower.threshold;
	}
	candidates_raise(candidates, threshold);
}

/* A number that at least wanted of count reach, and mostly not many more; 0
 * where fewer than wanted are above 0. */
static int32_t nth_largest(const struct combined_kernel *kernel,
			   const int32_t *numbers, size_t count, size_t wanted)
{
	int32_t low = 0, high = 0;

	if (count < wanted)
		return 0;
	for (size_t i = 0; i < count; i++)
		high = numbers[i] > high ? numbers[i] : high;
	for (int i = 0; i < HALVINGS && high - low > 1; i++) {
		int32_t middle = low + (high - low) / 2;
		size_t have = kernel->count_from(numbers, count, middle);

		if (have < wanted) {
			high = middle;
			continue;
		}
		low = middle;
		if (have <= wanted + wanted / 2 + 8)
			break;
	}
	return low;
}

/* Leave out fresh rows that may not be answers. */
static void filter_fresh(struct candidates *candidates)
{
	size_t kept = candidates->fresh;

	if (candidates->allowed == NULL && candidates->excluded == SIZE_MAX)
		return;
	for (size_t i = candidates->fresh; i < candidates->count; i++) {
		uint32_t row = candidates->rows[i];

		candidates->rows[kept] = row;
		candidates->row_sums[kept] = candidates->row_sums[i];
		kept += row != candidates->excluded &&
			(candidates->allowed == NULL ||
			 bitset_test(candidates->allowed, row));
	}
	candidates->count = kept;
}

/* Look at the largest of the fresh rows by their codes. */
static void bound_best(struct candidates *candidates, size_t limit)
{
	const struct combined_kernel *kernel = candidates->bounds.kernel;
	size_t fresh = candidates->count - candidates->fresh, best = 0;
	uint32_t *rows = candidates->rows + candidates->fresh;
	int32_t *sums = candidates->row_sums + candidates->fresh;
	int32_t low = 0;

	if (limit <= fresh / 2)
		low = nth_largest(kernel, sums, fresh, 2 * limit);
	if (low <= 0)
		return;
	grow_pairs(&candidates->best_rows, &candidates->best_sums,
		   &candidates->best_room, fresh + PAST);
	for (size_t i = 0; i < fresh; i++) {
		candidates->best_rows[best] = rows[i];
		candidates->best_sums[best] = sums[i];
		best += sums[i] >= low;
	}
	candidates->count =
		candidates->fresh + kernel->thin(candidates->least,
						 candidates->bounds.index->bin,
						 low, rows, sums, fresh);
	bound_rows(candidates, candidates->best_rows, candidates->best_sums,
		   best);
}

/* Take the fresh rows in: raise the threshold, and drop what is below it. */
static void digest(struct candidates *candidates)
{
	filter_fresh(candidates);
	if (candidates->raising &&
	    candidates->count - candidates->fresh > FEW_ROWS)
		bound_best(candidates, candidates->limit);
	candidates->count = candidates->bounds.kernel->thin(
		candidates->least, candidates->bounds.index->bin, INT32_MAX,
		candidates->rows, candidates->row_sums, candidates->count);
	candidates->fresh = candidates->count;
}

/* ------------------------------------------------------------------- lists */

static struct lists lists_make(const struct inverted_index *index,
			       const struct combined_query *query)
{
	struct lists lists = {
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
				     const struct lists *lists, size_t i,
				     size_t block, size_t *count)
{
	const uint32_t *start =
		&index->starts[(size_t)lists->tags[i] * index->blocks + block];

	*count = lists->weights[i] == 0 ? 0 : start[1] - start[0];
	return index->postings + start[0];
}

/* Add up a block's lists; returns how many postings they have. */
static size_t add_lists(struct candidates *candidates,
			const struct lists *lists, size_t block)
{
	const struct inverted_index *index = candidates->bounds.index;
	size_t total = 0, count;

	for (size_t i = 0; i < lists->count; i++) {
		const struct posting *list =
			list_at(index, lists, i, block, &count);

		add_list(candidates->sums, list, count, lists->weights[i]);
		total += count;
	}
	return total;
}

/* Take the sums of a block's rows from its lists, which are few; a row that is
 * met again has the sum 0 by then. */
static void take_listed(struct candidates *candidates,
			const struct lists *lists, size_t block, size_t total)
{
	uint32_t first = (uint32_t)(block * INDEX_BLOCK_ROWS);
	int32_t least = candidates->least_of_all;
	int32_t *sums = candidates->sums;
	size_t found, count;

	make_room(candidates, total);
	found = candidates->count;
	for (size_t i = 0; i < lists->count; i++) {
		const struct posting *list = list_at(candidates->bounds.index,
						     lists, i, block, &count);

		for (size_t j = 0; j < count; j++) {
			int32_t sum = sums[list[j].row];

			sums[list[j].row] = 0;
			candidates->rows[found] = first + list[j].row;
			candidates->row_sums[found] = sum;
			found += sum >= least;
		}
	}
	candidates->count = found;
}

static size_t rows_of(const struct inverted_index *index, size_t block)
{
	size_t rows = index->matrix->n - block * INDEX_BLOCK_ROWS;

	return rows < INDEX_BLOCK_ROWS ? rows : INDEX_BLOCK_ROWS;
}

/* Take the sums of all of a block's rows, with the columns of heads. */
static void take_all(struct candidates *candidates, const struct lists *lists,
		     size_t block)
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
		candidates->count += candidates->bounds.kernel->pass(
			&heads, candidates->sums + done,
			index->bin + first + done, candidates->least,
			(uint32_t)(first + done), count,
			candidates->rows + candidates->count,
			candidates->row_sums + candidates->count);
		if (candidates->count - candidates->fresh >= FRESH_ROWS)
			digest(candidates);
	}
}

void candidates_find(struct candidates *candidates,
		     const struct combined_query *query)
{
	const struct inverted_index *index = candidates->bounds.index;
	struct lists lists = lists_make(index, query);
	size_t n = index->matrix->n;
	size_t limit = candidates->limit < n ? candidates->limit : n;

	topk_begin(&candidates->lower, limit, -INFINITY);
	candidates->count = candidates->fresh = candidates->bounded_count = 0;
	set_thresholds(candidates);
	for (size_t block = 0; block < index->blocks; block++) {
		size_t total = add_lists(candidates, &lists, block);

		if (lists.heads.count > 0 ||
		    total > rows_of(index, block) / SPARSE)
			take_all(candidates, &lists, block);
		else
			take_listed(candidates, &lists, block, total);
		if (candidates->count - candidates->fresh >= FRESH_ROWS)
			digest(candidates);
	}
	digest(candidates);
	bound_rows(candidates, candidates->rows, candidates->row_sums,
		   candidates->count);
	topk_free(&candidates->lower);
	free(lists.weights);
}
