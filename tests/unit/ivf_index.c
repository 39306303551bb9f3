/* ivf_index and ivf_search against exact search: an exact search by codes, and
 * a search in the nearest cells, query by query and in panels, by every kernel
 * and number of threads, give what search/exact_search.h finds among the same
 * rows by its plain loop, to the bit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/kmeans.h"
#include "search/exact_search.h"
#include "search/ivf_search.h"
#include "search/inverted_lists.h"
#include "cases.h"

enum { CASES = 1000 };

/* Rows with ties, copies, zero vectors, near copies, and rows that quantize
 * badly: one large column among small ones. */
static void fill(float *rows, size_t n, size_t d)
{
	size_t coarse = chance(3);

	for (size_t i = 0; i < n; i++) {
		float scale = chance(8) ? 1 : ldexpf(1, (int)chance(200) - 100);
		if (draw_row(rows, i, d, scale, coarse > 0) && chance(5) == 0)
			rows[i * d + chance(d)] = scale * 1000;
	}
}

/* An index as cs-index writes it. */
struct made {
	struct inverted_lists layout;
	uint32_t *cell;
	float *centroids, *scales, *residuals, *units;
	uint8_t *codes;
};

static struct ivf_index make_index(struct made *made, const float *rows,
				   size_t n, size_t d, size_t cells)
{
	made->centroids = alloc(cells * d, sizeof(float));
	made->cell = alloc(n, sizeof *made->cell);
	if (kmeans_train(rows, n, d, seed, 2, made->centroids, cells) ||
	    kmeans_assign(made->centroids, cells, rows, n, d, 2, made->cell))
		abort();
	inverted_lists_make(&made->layout, made->cell, n, cells);
	size_t blocks = made->layout.blocks, places = blocks * TILE_ROWS;
	made->scales = alloc(places, sizeof(float));
	made->residuals = alloc(places, sizeof(float));
	made->codes = alloc(blocks, int8_block_bytes(d));
	made->units = alloc_aligned(places * d + 1, sizeof(float));
	for (size_t b = 0; b < blocks; b++) {
		inverted_lists_codes(&made->layout, rows, d, b,
				     made->codes + b * int8_block_bytes(d),
				     made->scales + b * TILE_ROWS,
				     made->residuals + b * TILE_ROWS);
		inverted_lists_units(&made->layout, rows, d, b,
				     made->units + b * TILE_ROWS * d);
	}
	return (struct ivf_index){
		.n = n,
		.d = d,
		.rows_of = rows,
		.cells = cells,
		.blocks = blocks,
		.nonzero = made->layout.nonzero,
		.centroids = made->centroids,
		.starts = made->layout.starts,
		.rows = made->layout.rows,
		.codes = made->codes,
		.scales = made->scales,
		.residuals = made->residuals,
		.units = made->units,
	};
}

static void free_made(struct made *made)
{
	inverted_lists_free(&made->layout);
	free(made->cell);
	free(made->centroids);
	free(made->scales);
	free(made->residuals);
	free(made->codes);
	free(made->units);
}

static int allowed(const struct search_options *search, size_t row)
{
	return search->allowed == NULL ||
	       (search->allowed[row / 64] >> row % 64 & 1) != 0;
}

/* The rows in the first cells of a query, and in more until there are enough,
 * as bits. */
static void choose(const struct search_options *search, const struct made *made,
		   size_t cells, const struct search_query *query,
		   size_t probes, uint64_t *bits)
{
	struct search_options near = {.rows = made->centroids,
				      .n = cells,
				      .d = search->d,
				      .limit = cells,
				      .min_score = -INFINITY,
				      .kernel = dot_kernel_get(DOT_KERNELS - 1),
				      .threads = 1};
	struct search_query plain = {query->vector, ROW_NONE, 0};
	size_t seen = 0, wanted = search->limit + 1;
	struct search_result found;
	struct search_batch batch = {&plain, 1, &found, 0};

	memset(bits, 0, (search->n / 64 + 1) * sizeof *bits);
	if (exact_search_run(&near, &batch))
		abort();
	for (size_t p = 0; p < found.count && (p < probes || seen < wanted);
	     p++)
		for (size_t row = 0; row < search->n; row++)
			if (made->cell[row] == found.hits[p].row &&
			    allowed(search, row)) {
				seen++;
				bits[row / 64] |= (uint64_t)1 << row % 64;
			}
	search_results_free(&found, 1);
}

static int same(const struct search_result *a, const struct search_result *b,
		int candidates, int matching)
{
	return a->count == b->count && a->zero == b->zero &&
	       (!candidates || a->candidates == b->candidates) &&
	       (!matching || a->matching == b->matching) &&
	       (a->count == 0 ||
		memcmp(a->hits, b->hits, a->count * sizeof *a->hits) == 0);
}

/* What the plain loop finds, among all rows or those of the cells. */
static void plainly(const struct search_options *search,
		    const struct made *made, size_t cells,
		    const struct search_query *queries, size_t count,
		    size_t probes, struct search_result *wanted)
{
	uint64_t *bits = alloc(search->n / 64 + 1, sizeof *bits);
	struct search_options plain = *search;

	plain.kernel = dot_kernel_get(DOT_KERNELS - 1);
	plain.bounds = NULL;
	plain.threads = 1;
	for (size_t q = 0; q < count; q++) {
		if (probes > 0) {
			choose(search, made, cells, &queries[q], probes, bits);
			/* The asked one is itself in whatever cell. */
			if (queries[q].self != ROW_NONE &&
			    allowed(search, queries[q].self))
				bits[queries[q].self / 64] |=
					(uint64_t)1 << queries[q].self % 64;
			plain.allowed = bits;
		}
		struct search_batch batch = {&queries[q], 1, &wanted[q], 0};
		if (exact_search_run(&plain, &batch))
			abort();
	}
	free(bits);
}

static int check(const struct ivf_index *index,
		 const struct search_options *search,
		 const struct search_query *queries, size_t count,
		 size_t probes, const struct search_result *wanted)
{
	struct search_result *found = alloc(count, sizeof *found);
	struct search_batch batch = {queries, count, found, 0};
	size_t wrong = 0;
	const char *error = ivf_search_run(index, search, probes, NULL, &batch);

	for (size_t q = 0; error == NULL && q < count; q++)
		wrong += !same(&found[q], &wanted[q], probes == 0,
			       search->count_matching && probes == 0);
	if (error != NULL || wrong > 0 ||
	    batch.zeros != index->n - index->nonzero) {
		printf("seed %llu, %s, %s, %u threads: n %zu d %zu k %zu cells "
		       "%zu probes %zu: %zu of %zu queries differ; %s\n",
		       (unsigned long long)seed, search->kernel->name,
		       index->bounds->name, search->threads, index->n, index->d,
		       search->limit, index->cells, probes, wrong, count,
		       error ? error : "");
		return 1;
	}
	search_results_free(found, count);
	free(found);
	return 0;
}

/* By every kernel, and by 1, 2 and 3 threads. */
static int check_all(struct ivf_index *index, struct search_options *search,
		     const struct search_query *queries, size_t count,
		     size_t probes, const struct search_result *wanted)
{
	int failed = 0;

	for (unsigned i = 0; i < DOT_KERNELS; i++)
		for (search->threads = 1; search->threads <= 3;
		     search->threads++) {
			search->kernel = dot_kernel_get(i);
			search->bounds = index->bounds = int8_kernel_get(i);
			if (search->kernel != NULL && index->bounds != NULL)
				failed |= check(index, search, queries, count,
						probes, wanted);
		}
	return failed;
}

static struct search_options make_case(void)
{
	struct search_options search = {
		.n = 1 + chance(chance(4) ? 400 : 4000),
		.d = 1 + chance(chance(3) ? 20 : 100),
		.limit = 1 + chance(chance(3) ? 12 : 200),
		.min_score = chance(3) ? -INFINITY
				       : (double)((int)chance(21) - 10) / 10,
		.with_self = chance(2),
		.count_matching = chance(2),
	};
	float *rows = alloc(search.n * search.d, sizeof *rows);

	fill(rows, search.n, search.d);
	search.rows = rows;
	if (chance(2)) {
		uint64_t *bits = alloc(search.n / 64 + 1, sizeof *bits);

		for (size_t i = 0; i <= search.n / 64; i++, counter += 2)
			bits[i] = random_bits(seed, counter) &
				  random_bits(seed, counter + 1);
		search.allowed = bits;
	}
	return search;
}

static int run_case(void)
{
	struct search_options search = make_case();
	size_t cells = 1 + chance(search.n < 24 ? search.n : 24);
	size_t count =
		chance(2) ? 1 + chance(IVF_INDEX_FEW_QUERIES) : 1 + chance(40);
	struct search_query *queries = alloc(count, sizeof *queries);
	struct search_result *wanted = alloc(count, sizeof *wanted);
	size_t ways[] = {0, 1 + chance(3), cells};
	struct made made = {0};
	struct ivf_index index =
		make_index(&made, search.rows, search.n, search.d, cells);
	int failed = 0;

	for (size_t q = 0; q < count; q++) {
		queries[q].self = chance(search.n);
		queries[q].vector = search.rows + queries[q].self * search.d;
		if (chance(8) == 0)
			queries[q].self = ROW_NONE;
	}
	for (size_t i = 0; i < 3; i++) {
		plainly(&search, &made, cells, queries, count, ways[i], wanted);
		failed |= check_all(&index, &search, queries, count, ways[i],
				    wanted);
		search_results_free(wanted, count);
	}
	free(wanted);
	free(queries);
	free_made(&made);
	free((void *)(uintptr_t)search.rows);
	free((void *)(uintptr_t)search.allowed);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
