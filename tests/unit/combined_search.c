/* search/combined_search.h against the definition in float64, worked out
 * plainly from rows and embeddings: every kernel, with an index and without,
 * and every number of threads must find the k best, and give the same bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/recovery.h"
#include "search/combined_bounds.h"
#include "search/combined_search.h"
#include "cases.h"

enum { CASES = 1000, QUERIES = 5 };

static double uniform(void)
{
	return (double)chance(1 << 20) / (1 << 20);
}

/* Rows and embeddings of a case. */
struct data {
	struct csr_matrix matrix;
	int64_t *indptr;
	int32_t *indices;
	float *values;
	float *embedding;
	size_t d;
};

/* Row i: like another or a multiple of it, without weight, or of its own. */
static void make_row(struct data *data, size_t i, unsigned kind)
{
	size_t m = data->matrix.m, at = (size_t)data->indptr[i];
	size_t other = i > 0 ? chance(i) : 0;
	float sign = chance(4) ? 1 : -1;

	if (i > 0 && chance(5) == 0) {
		float factor = chance(2) ? 1 : chance(2) ? 4 : 0.375F;

		for (int64_t j = data->indptr[other];
		     j < data->indptr[other + 1]; j++) {
			data->indices[at] = data->indices[j];
			data->values[at++] = factor * data->values[j];
		}
	} else if (chance(20) != 0) {
		size_t wanted = 1 + chance(m < 12 ? m : 12);

		for (size_t tag = 0; tag < m; tag++) {
			bool head = kind % 4 == 1 && tag == m / 2;

			if (!head && chance(m) >= wanted)
				continue;
			data->indices[at] = (int32_t)tag;
			data->values[at++] =
				kind % 3 == 0
					? 1
					: (float)(0.01 + uniform()) *
						  (kind % 5 == 0 && chance(3) ==
									    0
							   ? sign
							   : 1);
		}
	}
	data->indptr[i + 1] = (int64_t)at;
}

/* x = a V for V of orthonormal columns, some tags outside of its span. */
static void make_embedding(struct data *data, unsigned kind)
{
	size_t m = data->matrix.m, n = data->matrix.n, d = data->d;
	double *v = alloc(m * d, sizeof *v);

	for (size_t tag = 0; tag < m; tag++)
		for (size_t j = 0; j < d; j++)
			v[tag * d + j] =
				kind % 7 == 2 ? tag == j
				: kind % 7 == 3 && tag % 3 != 0
					? 0
					: random_normal(seed, counter++);
	for (size_t j = 0; j < d; j++) {
		double square = 0;

		for (size_t i = 0; i < j; i++) {
			double dot = 0;

			for (size_t t = 0; t < m; t++)
				dot += v[t * d + i] * v[t * d + j];
			for (size_t t = 0; t < m; t++)
				v[t * d + j] -= dot * v[t * d + i];
		}
		for (size_t t = 0; t < m; t++)
			square += v[t * d + j] * v[t * d + j];
		for (size_t t = 0; t < m; t++)
			v[t * d + j] *= square > 1e-12 ? 1 / sqrt(square) : 0;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < d; j++) {
			double sum = 0;

			for (int64_t e = data->indptr[i];
			     e < data->indptr[i + 1]; e++)
				sum += (double)data->values[e] *
				       v[(size_t)data->indices[e] * d + j];
			data->embedding[i * d + j] = (float)sum;
		}
	free(v);
}

static void make_data(struct data *data)
{
	unsigned kind = (unsigned)chance(1000);
	size_t n = 1 + chance(chance(6) ? 250 : 3000);
	size_t m = 1 + chance(chance(2) ? 15 : 120);

	/* Now and then two blocks. */
	if (seed % 50 == 0)
		n = INDEX_BLOCK_ROWS + chance(3000);
	float *raw = alloc(n * m + 1, sizeof *raw);
	static const int64_t offsets[1] = {0};

	data->indptr = alloc(n + 1, sizeof *data->indptr);
	data->indices = alloc(n * m + 1, sizeof *data->indices);
	data->values = alloc(n * m + 1, sizeof *data->values);
	data->d = 1 + chance(m < 70 ? m : 70);
	if (n > INDEX_BLOCK_ROWS && data->d > 6)
		data->d = 6;
	data->embedding = alloc(n * data->d, sizeof *data->embedding);
	data->matrix = (struct csr_matrix){
		.n = n,
		.m = m,
		.indptr = data->indptr,
		.indices = data->indices,
		.values = data->values,
		.raw = raw,
		.users = {.offsets = offsets, .count = 0},
	};
	for (size_t i = 0; i < n; i++)
		make_row(data, i, kind);
	data->matrix.nnz = (size_t)data->indptr[n];
	make_embedding(data, kind);
}

static void free_data(struct data *data)
{
	free(data->indptr);
	free(data->indices);
	free(data->values);
	free(data->embedding);
	free((void *)(uintptr_t)data->matrix.raw);
}

/* ---------------------------------------------------------- the definition */

static double product(const struct data *data, size_t a, size_t b)
{
	double sum = 0;

	for (int64_t i = data->indptr[a]; i < data->indptr[a + 1]; i++)
		for (int64_t j = data->indptr[b]; j < data->indptr[b + 1]; j++)
			if (data->indices[i] == data->indices[j])
				sum += (double)data->values[i] *
				       (double)data->values[j];
	return sum;
}

static double embedding_product(const struct data *data, size_t a, size_t b)
{
	double sum = 0;

	for (size_t j = 0; j < data->d; j++)
		sum += (double)data->embedding[a * data->d + j] *
		       (double)data->embedding[b * data->d + j];
	return sum;
}

/* K of two rows of lengths la and lb, from the definition. */
static double kernel_of(const struct data *data, double alpha, size_t a,
			size_t b, double la, double lb)
{
	double xx = embedding_product(data, a, b) / (la * lb);
	double ga = sqrt(embedding_product(data, a, a)) / la;
	bool held;
	double gb = sqrt(embedding_product(data, b, b)) / lb;
	held = ga * ga >= COMBINED_MIN_SHARE && gb * gb >= COMBINED_MIN_SHARE;
	if (!held)
		xx = 0;
	double dense = held ? alpha * xx / pow(ga * gb, 0.25) : 0;

	return dense + product(data, a, b) / (la * lb) - xx;
}

static double plain_score(const struct data *data,
			  const struct similarity *similarity, size_t a,
			  size_t b)
{
	double la = sqrt(product(data, a, a)), lb = sqrt(product(data, b, b));

	if (similarity->profile)
		return product(data, a, b) / (la * lb);
	double kaa = kernel_of(data, similarity->alpha, a, a, la, la);
	double kbb = kernel_of(data, similarity->alpha, b, b, lb, lb);
	if (kaa < COMBINED_MIN_NORM || kbb < COMBINED_MIN_NORM)
		return 0;
	return fmax(-1,
		    fmin(1, kernel_of(data, similarity->alpha, a, b, la, lb) /
				    sqrt(kaa * kbb)));
}

/* Is one row the other, times a number above 0? */
static bool is_multiple(const struct data *data, size_t a, size_t b)
{
	int64_t i = data->indptr[a], j = data->indptr[b];
	int64_t count = data->indptr[a + 1] - i;
	bool same = data->indptr[b + 1] - j == count;

	for (int64_t e = 0; same && e < count; e++)
		same = data->indices[i + e] == data->indices[j + e] &&
		       data->values[i + e] * data->values[j] ==
			       data->values[j + e] * data->values[i] &&
		       data->values[i] * data->values[j] > 0;
	return same;
}

/* ---------------------------------------------------------------- comparing */

struct answers {
	struct search_result *found;
	size_t zeros;
};

static int fail_query(const char *what, size_t query)
{
	printf("seed %llu: query %zu: %s\n", (unsigned long long)seed, query,
	       what);
	return 1;
}

/* The answers of a search are the k best by the definition, within 2e-6, in
 * the order of answers, and counted as they should be. */
static int check_definition(const struct data *data,
			    const struct combined_search *search, size_t self,
			    const struct search_result *found)
{
	size_t n = data->matrix.n, candidates = 0, above = 0, surely = 0;
	double *scores = alloc(n, sizeof *scores), tolerance = 2e-6;
	double last = found->count < search->limit || search->limit == 0
			      ? search->min_score
			      : (double)found->hits[found->count - 1].score;
	uint64_t *seen = bitset_new(n);
	int failed = 0;

	/* Near alpha 0 what is left of a row may be mostly rounding. */
	if (search->similarity.alpha < 0.1)
		tolerance = 2e-3;
	for (size_t i = 0; i < found->count; i++) {
		bitset_set(seen, found->hits[i].row);
		if (i > 0 && !hit_before(found->hits[i - 1], found->hits[i]))
			failed |= fail_query("out of order", self);
	}
	for (size_t y = 0; y < n; y++) {
		if (!(product(data, y, y) > 0) ||
		    (y == self && !search->with_self) ||
		    (search->allowed && !bitset_test(search->allowed, y)))
			continue;
		candidates++;
		scores[y] = y == self ? 1
				      : plain_score(data, &search->similarity,
						    self, y);
		above += scores[y] >= search->min_score - tolerance;
		surely += scores[y] >= search->min_score + tolerance;
		if (!bitset_test(seen, y) && scores[y] > last + tolerance)
			failed |= fail_query("an answer is missing", self);
	}
	for (size_t i = 0; i < found->count; i++)
		if (search->similarity.alpha >= 0.02 &&
		    is_multiple(data, self, found->hits[i].row) &&
		    found->hits[i].score != 1)
			failed |= fail_query("equal rows are not at 1", self);
	for (size_t i = 0; i < found->count; i++)
		if (fabs((double)found->hits[i].score -
			 scores[found->hits[i].row]) > tolerance)
			failed |= fail_query("a score is wrong", self);
	if (found->candidates != candidates)
		failed |= fail_query("candidates are miscounted", self);
	if (search->count_matching &&
	    (found->matching > above || found->matching < surely))
		failed |= fail_query("matching are miscounted", self);
	if (found->count < (surely < search->limit ? surely : search->limit))
		failed |= fail_query("too few answers", self);
	free(scores);
	free(seen);
	return failed;
}

static bool same(const struct search_result *a, const struct search_result *b,
		 bool matching)
{
	return a->count == b->count && a->candidates == b->candidates &&
	       a->zero == b->zero &&
	       (!matching || a->matching == b->matching) &&
	       (a->count == 0 ||
		memcmp(a->hits, b->hits, a->count * sizeof *a->hits) == 0);
}

static struct answers ask(const struct combined_search *search,
			  const struct combined_query *queries, size_t count)
{
	struct answers answers = {
		.found = alloc(count, sizeof(struct search_result))};
	const char *error = combined_search_run(search, queries, count,
						answers.found, &answers.zeros);

	if (error != NULL) {
		printf("seed %llu: %s\n", (unsigned long long)seed, error);
		exit(1);
	}
	return answers;
}

static void free_answers(struct answers *answers, size_t count)
{
	search_results_free(answers->found, count);
	free(answers->found);
}

/* Every way to the same answers; the one without an index, by one thread, is
 * compared with the definition. */
static int check_ways(const struct data *data, struct combined_search *search,
		      const struct inverted_index *index,
		      const struct combined_query *queries, size_t count)
{
	int failed = 0;

	search->threads = 1;
	struct answers first = ask(search, queries, count);
	for (size_t q = 0; q < count; q++)
		if (!first.found[q].zero)
			failed |= check_definition(
				data, search, queries[q].self, &first.found[q]);
	/* Scores that k results reach, as of other files of a model. */
	float thresholds[QUERIES];
	for (size_t q = 0; q < count; q++)
		thresholds[q] =
			first.found[q].count == search->limit
				? first.found[q].hits[search->limit - 1].score
				: -INFINITY;
	for (unsigned way = 0; way < 3 * (COMBINED_KERNELS + 1); way++) {
		search->thresholds = way % 2 == 1 ? thresholds : NULL;
		search->kernel = combined_kernel_get(way / 3);
		search->index = way / 3 < COMBINED_KERNELS ? index : NULL;
		search->threads = 1 + way % 3;
		if (search->index != NULL && search->kernel == NULL)
			continue;
		struct answers other = ask(search, queries, count);
		for (size_t q = 0; q < count; q++)
			if (!same(&first.found[q], &other.found[q],
				  search->count_matching))
				failed |= fail_query(
					search->kernel ? search->kernel->name
						       : "no index",
					queries[q].self);
		if (other.zeros != first.zeros)
			failed |= fail_query("zeros are miscounted", 0);
		free_answers(&other, count);
	}
	search->thresholds = NULL;
	free_answers(&first, count);
	return failed;
}

/* Sum of products of quantized weights, as the lists give it. */
static int32_t quantized(const struct data *data, size_t a, size_t b)
{
	double la = sqrt(product(data, a, a)), lb = sqrt(product(data, b, b));
	int32_t sum = 0;

	for (int64_t i = data->indptr[a]; i < data->indptr[a + 1]; i++)
		for (int64_t j = data->indptr[b]; j < data->indptr[b + 1]; j++)
			if (data->indices[i] == data->indices[j])
				sum += (int32_t)lrint(data->values[i] *
						      (32767 / la)) *
				       (int32_t)lrint(data->values[j] *
						      (1 / lb) * 32767);
	return sum;
}

/* Every bound holds for every pair: of its bin, and with codes and without. */
static int check_bounds(const struct data *data,
			const struct combined_search *search,
			const struct inverted_index *index, size_t self)
{
	struct combined_bounds bounds;
	struct combined_query query = combined_query_row(
		&data->matrix, data->embedding, data->d, self, ROW_NONE);
	struct score_side side = score_side_make(
		&search->similarity, row_square(query.values, query.count),
		embedding_dot(query.vector, query.vector, data->d));
	struct search_result found;
	struct combined_search all = *search;
	size_t zeros;
	int failed = 0;

	if (!(side.square > 0))
		return 0;
	all.limit = data->matrix.n;
	all.min_score = -INFINITY;
	all.allowed = NULL;
	all.index = NULL;
	combined_search_run(&all, &query, 1, &found, &zeros);
	combined_bounds_begin(&bounds, index, combined_kernel_best(),
			      &search->similarity);
	combined_bounds_set(&bounds, &search->similarity, &side, query.vector,
			    query.count);
	for (size_t i = 0; i < found.count; i++) {
		uint32_t row = found.hits[i].row;
		float score = found.hits[i].score;
		int32_t sum = quantized(data, self, row),
			thresholds[INDEX_BINS];
		uint32_t unpruned =
			combined_bounds_thresholds(&bounds, score, thresholds);
		struct score_range by_norms =
			combined_bounds_by_norms(&bounds, row, sum);
		struct score_range by_codes =
			combined_bounds_by_codes(&bounds, row, sum);

		if (sum < thresholds[index->bin[row]] &&
		    !(sum < 1 && unpruned >> index->bin[row] & 1))
			failed |= fail_query("the bound of a bin", self);
		struct bounds_tile tile;

		combined_bounds_tile(index, &search->similarity,
				     row / BOUNDS_TILE * BOUNDS_TILE, &tile);
		if (sum < 1 && !search->similarity.profile &&
		    (combined_bounds_tile_mask(&bounds, &tile, score) >>
			     row % BOUNDS_TILE &
		     1) == 0)
			failed |= fail_query("the bound of a tile", self);
		if (by_norms.high < score || by_codes.high < score)
			failed |= fail_query("an upper bound", self);
		if (by_norms.low > score || by_codes.low > score)
			failed |= fail_query("a lower bound", self);
	}
	combined_bounds_end(&bounds);
	search_results_free(&found, 1);
	return failed;
}

/* A kernel amid which, or a search after which, the work is left. */
static _Atomic size_t calls_left;
static const struct combined_kernel *whole_kernel;

static size_t count_or_leave(const int32_t *numbers, size_t count,
			     int32_t value)
{
	if (calls_left-- == 0)
		recovery_leave();
	return whole_kernel->count_at_least(numbers, count, value);
}

static int32_t dot_or_leave(const int8_t *query, const uint8_t *packed,
			    size_t columns)
{
	if (calls_left-- == 0)
		recovery_leave();
	return whole_kernel->code_dot(query, packed, columns);
}

struct left_search {
	const struct combined_search *search;
	const struct combined_query *queries;
	size_t count;
};

static void search_and_leave(void *context)
{
	const struct left_search *left = context;

	ask(left->search, left->queries, left->count);
	recovery_leave();
}

static void undo_nothing(void *context)
{
	(void)context;
}

/* A workspace whose searches are left, as where there is no memory, gives the
 * same as one of its own to the next. */
static int check_left(const struct combined_search *asked,
		      const struct inverted_index *index,
		      const struct combined_query *queries, size_t count)
{
	struct combined_search search = *asked, leaving;
	struct combined_kernel kernel;
	int failed = 0;

	search.kernel = NULL;
	search.index = index;
	search.threads = 1;
	struct answers first = ask(&search, queries, count);
	whole_kernel = combined_kernel_best();
	kernel = *whole_kernel;
	kernel.count_at_least = count_or_leave;
	kernel.code_dot = dot_or_leave;
	search.workspace = combined_workspace_new(2, search.matrix->m);
	leaving = search;
	leaving.kernel = &kernel;
	for (unsigned i = 0; i < 3; i++) {
		struct left_search left = {&leaving, queries, count};

		leaving.threads = 1 + i % 2;
		calls_left = chance(2) ? chance(20) : SIZE_MAX;
		if (recovery_run(search_and_leave, &left, undo_nothing))
			failed |= fail_query("the work was not left", 0);
		struct answers other = ask(&search, queries, count);
		for (size_t q = 0; q < count; q++)
			if (!same(&first.found[q], &other.found[q],
				  search.count_matching))
				failed |= fail_query("after work that was left",
						     queries[q].self);
		free_answers(&other, count);
	}
	combined_workspace_free(search.workspace);
	free_answers(&first, count);
	return failed;
}

static int run_case(void)
{
	static const double alphas[] = {1, 1, 0.75, 0.33, 0.5, 0.02, 0};
	struct data data;
	struct inverted_index index;
	size_t count = 1 + chance(QUERIES);
	struct combined_query queries[QUERIES];
	int failed = 0;

	make_data(&data);
	size_t n = data.matrix.n;
	struct combined_search search = {
		.matrix = &data.matrix,
		.embedding = data.embedding,
		.d = data.d,
		.similarity = {.profile = chance(4) == 0,
			       .alpha = alphas[chance(7)]},
		.limit = 1 + chance(chance(3) ? 12 : n + 5),
		.min_score = chance(3) ? -INFINITY : uniform() * 1.2 - 0.2,
		.with_self = chance(2),
		.count_matching = chance(2),
		.quiet = true,
	};
	uint64_t *allowed = bitset_new(n);
	for (size_t i = 0; i < n; i++)
		if (chance(3))
			bitset_set(allowed, i);
	if (chance(3) == 0)
		search.allowed = allowed;
	const char *error = inverted_index_build(&index, &data.matrix,
						 data.embedding, data.d, 2);
	if (error != NULL) {
		printf("seed %llu: %s\n", (unsigned long long)seed, error);
		return 1;
	}
	for (size_t q = 0; q < count; q++) {
		size_t row = chance(n);

		queries[q] = combined_query_row(&data.matrix, data.embedding,
						data.d, row, row);
	}
	failed |= check_ways(&data, &search, &index, queries, count);
	failed |= check_bounds(&data, &search, &index, chance(n));
	if (chance(4) == 0)
		failed |= check_left(&search, &index, queries, count);
	inverted_index_free(&index);
	free(allowed);
	free_data(&data);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
