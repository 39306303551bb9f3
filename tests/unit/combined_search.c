/* search/combined_search.h against the definition in float64, worked out
 * plainly from rows and embeddings: every kernel, with an index and without,
 * and every number of threads must find the k best, and give the same bits. */
#include <math.h>

#include "combined_case.h"

enum { CASES = 1000 };

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

/* The answers of a search are the k best by the definition, within 2e-6, in
 * the order of answers, and counted as they should be. */
static int check_definition(const struct data *data,
			    const struct combined_options *search, size_t self,
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

/* Every way to the same answers; the one without an index, by one thread, is
 * compared with the definition. */
static int check_ways(const struct data *data, struct combined_options *search,
		      const struct inverted_index *index,
		      const struct search_query *queries, size_t count)
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

static int run_case(void)
{
	struct combined_case made;

	make_case(&made);
	int failed = check_ways(&made.data, &made.search, &made.index,
				made.queries, made.count);
	free_case(&made);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
