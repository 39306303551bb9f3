/* exact_search against the definition in its header, written out plainly: every
 * kernel, with and without the int8 filter, and any number of threads and
 * queries give its bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/exact_search.h"
#include "cases.h"

enum { CASES = 1000 };

/* The vector as it is compared. */
static void make_unit(const struct search_options *search, const float *row,
		      float *unit)
{
	double sums[8] = {0};

	for (size_t j = 0; j < search->d; j++)
		sums[j % 8] += (double)row[j] * (double)row[j];
	double square = ((sums[0] + sums[4]) + (sums[2] + sums[6])) +
			((sums[1] + sums[5]) + (sums[3] + sums[7]));
	for (size_t j = 0; j < search->d; j++)
		unit[j] = search->metric == METRIC_DOT
				  ? row[j]
				  : (float)(row[j] * (1 / sqrt(square)));
}

static int is_zero(const float *row, size_t d)
{
	for (size_t j = 0; j < d; j++)
		if (row[j] != 0)
			return 0;
	return 1;
}

static float score(const struct search_options *search, const float *a,
		   const float *b)
{
	float sum = 0;

	for (size_t j = 0; j < search->d; j++)
		sum = fmaf(a[j], b[j], sum);
	if (search->metric == METRIC_EMBEDDING)
		sum = sum > 1 ? 1 : sum < -1 ? -1 : sum;
	return sum == 0 ? 0 : sum;
}

static int compare(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* The result by definition: every score, sorted. */
static void plainly(const struct search_options *search, const float *units,
		    const struct search_query *query,
		    struct search_result *found)
{
	float asked[200];

	make_unit(search, query->vector, asked);
	*found = (struct search_result){
		.hits = alloc(search->n, sizeof(struct hit))};
	found->zero = is_zero(query->vector, search->d);
	for (size_t row = 0; row < search->n && !found->zero; row++) {
		const float *x = search->rows + row * search->d;
		struct hit hit = {score(search, asked, units + row * search->d),
				  (uint32_t)row};

		if (is_zero(x, search->d) ||
		    (row == query->self && !search->with_self) ||
		    (search->allowed &&
		     !(search->allowed[row / 64] >> row % 64 & 1)))
			continue;
		if (row == query->self && search->metric == METRIC_EMBEDDING)
			hit.score = 1;
		found->candidates++;
		if (hit.score >= search->min_score)
			found->hits[found->count++] = hit;
	}
	found->matching = found->count;
	qsort(found->hits, found->count, sizeof *found->hits, compare);
	if (found->count > search->limit)
		found->count = search->limit;
}

static int same(const struct search_result *a, const struct search_result *b,
		int matching)
{
	return a->count == b->count && a->candidates == b->candidates &&
	       a->zero == b->zero &&
	       (!matching || a->matching == b->matching) &&
	       (a->count == 0 ||
		memcmp(a->hits, b->hits, a->count * sizeof *a->hits) == 0);
}

/* Rows with ties, copies, near copies, whose scores are apart by roundings,
 * zeros, and sizes from tiny to huge. */
static void fill(float *rows, size_t n, size_t d, enum metric metric)
{
	size_t coarse = chance(3);

	for (size_t i = 0; i < n; i++) {
		float scale = chance(10) ? 1
			      : metric == METRIC_EMBEDDING
				      ? ldexpf(1, (int)chance(240) - 130)
				      : ldexpf(1, (int)chance(80) - 60);
		draw_row(rows, i, d, scale, coarse > 0);
	}
}

static struct search_options make_case(size_t *count)
{
	struct search_options search = {
		.n = 1 + chance(chance(4) ? 300 : 5000),
		.d = 1 + chance(chance(3) ? 20 : 150),
		.metric = chance(4) ? METRIC_EMBEDDING : METRIC_DOT,
		.limit = 1 + chance(chance(3) ? 12 : 6000),
		.min_score = chance(3) ? -INFINITY
				       : (double)((int)chance(21) - 10) / 10,
		.with_self = chance(2),
		.count_matching = chance(2),
	};
	float *rows = alloc(search.n * search.d, sizeof *rows);

	fill(rows, search.n, search.d, search.metric);
	search.rows = rows;
	if (chance(2)) {
		uint64_t *allowed = alloc(search.n / 64 + 1, sizeof *allowed);

		for (size_t i = 0; i <= search.n / 64; i++)
			allowed[i] = random_bits(seed, counter++);
		search.allowed = allowed;
	}
	*count = 1 + chance(chance(2) ? 6 : search.n < 300 ? 300 : 20);
	if (search.n < 1000 && chance(3) == 0)
		*count = search.n;
	return search;
}

static int check(struct search_options *search,
		 const struct search_query *queries, size_t count,
		 const struct search_result *wanted)
{
	struct search_result *found = alloc(count, sizeof *found);
	struct search_batch batch = {queries, count, found, 0};
	size_t expected = 0, wrong = 0;
	const char *error = exact_search_run(search, &batch);

	for (size_t i = 0; i < search->n; i++)
		expected += (size_t)is_zero(search->rows + i * search->d,
					    search->d);
	for (size_t q = 0; error == NULL && q < count; q++)
		wrong += !same(&found[q], &wanted[q], search->count_matching);
	if (error != NULL || wrong > 0 || batch.zeros != expected) {
		printf("seed %llu, kernel %s, filter %s, %u threads: n %zu d "
		       "%zu k %zu metric %d: %zu of %zu queries differ, %zu "
		       "zeros of %zu; %s\n",
		       (unsigned long long)seed, search->kernel->name,
		       search->bounds ? search->bounds->name : "none",
		       search->threads, search->n, search->d, search->limit,
		       search->metric, wrong, count, batch.zeros, expected,
		       error ? error : "");
		return 1;
	}
	search_results_free(found, count);
	free(found);
	return 0;
}

/* By every kernel without a filter, and by the best with the fastest and the
 * plain filter. */
static int check_all(struct search_options *search,
		     const struct search_query *queries, size_t count,
		     const struct search_result *wanted)
{
	const struct {
		const struct dot_kernel *kernel;
		const struct int8_kernel *bounds;
	} ways[] = {
		{dot_kernel_get(0), NULL},
		{dot_kernel_get(1), NULL},
		{dot_kernel_get(2), NULL},
		{dot_kernel_best(), int8_kernel_get(0)},
		{dot_kernel_best(), int8_kernel_get(INT8_KERNELS - 1)},
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		search->kernel = ways[i].kernel;
		search->bounds = ways[i].bounds;
		if (search->kernel == NULL)
			continue;
		for (search->threads = 1; search->threads <= 3;
		     search->threads++)
			failed |= check(search, queries, count, wanted);
	}
	return failed;
}

static int run_case(void)
{
	size_t count;
	struct search_options search = make_case(&count);
	struct search_query *queries = alloc(count, sizeof *queries);
	struct search_result *wanted = alloc(count, sizeof *wanted);
	float *units = alloc(search.n * search.d, sizeof *units);
	int failed;

	for (size_t i = 0; i < search.n; i++)
		make_unit(&search, search.rows + i * search.d,
			  units + i * search.d);
	/* As many as there are rows: each asks for itself, or one does not. */
	size_t mutual = count == search.n ? count - chance(2) : 0;
	for (size_t q = 0; q < count; q++) {
		queries[q].self = q < mutual ? q : chance(search.n);
		queries[q].vector = search.rows + queries[q].self * search.d;
		if (q >= mutual && chance(8) == 0)
			queries[q].self = ROW_NONE;
		plainly(&search, units, &queries[q], &wanted[q]);
	}
	failed = check_all(&search, queries, count, wanted);
	search_results_free(wanted, count);
	free(wanted);
	free(queries);
	free(units);
	free((void *)(uintptr_t)search.rows);
	free((void *)(uintptr_t)search.allowed);
	return failed;
}

/* A row that is not finite, or too long for a product, is named. */
static int check_refusals(void)
{
	static const float values[] = {NAN, INFINITY, -INFINITY, 1e19f};
	float rows[300 * 3];
	struct search_result found[8];
	struct search_query queries[8];
	int failed = 0;

	for (size_t i = 0; i < 4 * 2; i++) {
		struct search_options search = {.rows = rows,
						.n = 300,
						.d = 3,
						.limit = 2,
						.min_score = -INFINITY,
						.metric = METRIC_DOT,
						.threads = 2};
		size_t count = i % 2 ? 8 : 1;

		for (size_t j = 0; j < 900; j++)
			rows[j] = (float)j + 1;
		rows[137 * 3 + 1] = values[i / 2];
		rows[211 * 3 + 2] = values[i / 2];
		for (size_t q = 0; q < count; q++)
			queries[q] = (struct search_query){.vector = rows,
							   .self = 0};
		struct search_batch batch = {queries, count, found, 0};
		const char *error = exact_search_run(&search, &batch);
		if (error == NULL || strstr(error, "row 137 ") == NULL) {
			printf("value %g: \"%s\", expected row 137 refused\n",
			       (double)values[i / 2], error ? error : "");
			failed = 1;
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	int failed = check_refusals();

	return failed | run_cases(argc, argv, CASES, run_case);
}
