/* filter_refine: the pairs pushed by a panel and a run of blocks are those
 * whose exact score by the plain loop is above the threshold, with that score
 * to the bit and in ascending rows, for every kernel, with and without the
 * filter. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/filter_refine.h"
#include "cases.h"

enum {
	CASES = 60,
	MAX_QUERIES = 3 * TILE_QUERIES,
	MAX_BLOCKS = 4,
	MAX_ROWS = MAX_BLOCKS * TILE_ROWS,
	MAX_DIMENSIONS = 70
};

/* The data of a case, and what was pushed. */
struct filter_case {
	size_t queries, rows, blocks, d;
	float query[MAX_QUERIES * MAX_DIMENSIONS];
	float row[MAX_ROWS * MAX_DIMENSIONS];
	double factors[MAX_ROWS];
	float thresholds[MAX_QUERIES], row_thresholds[TILE_ROWS];
	bool by_row; /* row_thresholds are used; one block */
	float pushed[MAX_QUERIES][MAX_ROWS]; /* NaN: not */
	size_t last[MAX_QUERIES];            /* row pushed last, plus 1 */
	bool unordered;
};

static void push(void *shared, size_t query, size_t row, float score)
{
	struct filter_case *test = shared;

	test->unordered |= row + 1 <= test->last[query];
	test->last[query] = row + 1;
	test->pushed[query][row] = score;
}

static void fill(float *vectors, size_t count, size_t d)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < d; j++)
			vectors[i * d + j] =
				(float)random_normal(seed, counter++);
		if (i > 0 && chance(4) == 0)
			memcpy(vectors + i * d, vectors + chance(i) * d,
			       d * sizeof *vectors);
	}
}

static void make_case(struct filter_case *test)
{
	test->queries = 1 + chance(MAX_QUERIES);
	test->by_row = chance(3) == 0;
	test->blocks = test->by_row ? 1 : 1 + chance(MAX_BLOCKS);
	test->rows = (test->blocks - 1) * TILE_ROWS + 1 + chance(TILE_ROWS);
	test->d = 1 + chance(MAX_DIMENSIONS);
	fill(test->query, test->queries, test->d);
	fill(test->row, test->rows, test->d);
	for (size_t r = 0; r < test->rows; r++)
		test->factors[r] =
			chance(10) == 0 ? 0
					: 1 / sqrt(dot_square_norm(
						      test->row + r * test->d,
						      test->d));
	for (size_t q = 0; q < test->queries; q++)
		test->thresholds[q] = (float)chance(100) / 60 - 0.5f;
	for (size_t r = 0; r < TILE_ROWS; r++)
		test->row_thresholds[r] = (float)chance(100) / 60;
}

static float exact(const struct filter_case *test, size_t q, size_t r)
{
	const float *query = test->query + q * test->d;
	float a[MAX_DIMENSIONS], b[MAX_DIMENSIONS];

	dot_scale(a, query, test->d, 1 / sqrt(dot_square_norm(query, test->d)));
	dot_scale(b, test->row + r * test->d, test->d, test->factors[r]);
	return dot_kernel_get(DOT_KERNELS - 1)->exact_pair(a, b, test->d);
}

static int compare(const struct filter_case *test)
{
	for (size_t q = 0; q < test->queries; q++)
		for (size_t r = 0; r < test->rows; r++) {
			float score = exact(test, q, r);
			bool above = score > test->thresholds[q] ||
				     (test->by_row &&
				      score > test->row_thresholds[r]);

			above = above && test->factors[r] != 0;
			if (above == (bool)isnan(test->pushed[q][r]))
				return fail(above ? "a pair is missing"
						  : "a pair is too low");
			if (above && memcmp(&score, &test->pushed[q][r],
					    sizeof score) != 0)
				return fail("another score");
		}
	return test->unordered ? fail("rows do not ascend") : 0;
}

static void score(struct filter_case *test, const struct score_kernels *filter)
{
	struct query_batch batch;
	struct panel panel;
	struct packed_block packed[MAX_BLOCKS];
	struct row_block blocks[MAX_BLOCKS];
	const struct block_run run = {.blocks = blocks, .count = test->blocks};

	query_batch_begin(&batch, filter, test->queries);
	panel_begin(&panel, filter, test->queries);
	for (size_t q = 0; q < test->queries; q++) {
		const float *query = test->query + q * test->d;

		query_batch_put(&batch, q, query,
				1 / sqrt(dot_square_norm(query, test->d)));
		panel_set_query(&panel, q, batch.each[q]);
		panel.thresholds[q] = test->thresholds[q];
	}
	for (size_t b = 0; b < test->blocks; b++) {
		packed_block_begin(&packed[b], filter);
		packed_block_fill(&packed[b], test->row, test->factors,
				  b * TILE_ROWS, test->rows);
		blocks[b] = packed[b].block;
	}
	/* The second time the filter is not skipped. */
	for (int round = 0; round < 2; round++) {
		for (size_t q = 0; q < MAX_QUERIES; q++)
			for (size_t r = 0; r < MAX_ROWS; r++)
				test->pushed[q][r] = NAN;
		memset(test->last, 0, sizeof test->last);
		panel_score(&panel, panel.group_count, &run,
			    test->by_row ? test->row_thresholds : NULL, push,
			    test);
	}
	for (size_t b = 0; b < test->blocks; b++)
		packed_block_end(&packed[b]);
	panel_end(&panel);
	query_batch_end(&batch);
}

static int run_case(void)
{
	struct filter_case *test = alloc(1, sizeof *test);
	int failed = 0;

	make_case(test);
	for (unsigned k = 0; k < DOT_KERNELS; k++)
		for (unsigned i = 0; i <= INT8_KERNELS; i++) {
			const struct score_kernels filter = {
				dot_kernel_get(k), int8_kernel_get(i), test->d};

			if (filter.kernel == NULL)
				continue;
			score(test, &filter);
			failed |= compare(test);
		}
	free(test);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
