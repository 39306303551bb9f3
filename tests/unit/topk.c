/* topk: lists against a sort of all pushed hits, whole or merged from parts;
 * kth_lower_bound, mask_above and score_below against their definitions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/topk.h"
#include "cases.h"

enum { CASES = 8000, MOST = 1024 };

/* Close together, with ties, or with some NaN, or none. */
static float value_of(size_t kind)
{
	float normal = (float)random_normal(seed, counter++);

	switch (kind) {
	case 0:
		return normal;
	case 1:
		return 0.9F + normal / 1000;
	case 2:
		return (float)chance(4) - 2;
	case 3:
		return chance(3) ? -INFINITY : normal;
	case 4:
		return chance(9) ? normal : NAN;
	default:
		return -INFINITY;
	}
}

static int falling(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x < y) - (x > y);
}

static int check_bound(const float *values, size_t count, size_t k)
{
	float bound = kth_lower_bound(values, count, k);
	float sorted[MOST] = {0}, last = -INFINITY, range;
	size_t have = 0, there = 0;

	for (size_t i = 0; i < count; i++) {
		have += values[i] >= bound;
		if (values[i] > -INFINITY)
			sorted[there++] = values[i];
	}
	qsort(sorted, there, sizeof *sorted, falling);
	if (k <= there)
		last = sorted[k - 1];
	range = there ? sorted[0] - sorted[there - 1] : 0;
	/* Ten bisections, or a quarter and two more than are k. */
	if (bound <= last && (bound == -INFINITY || have >= k) &&
	    (k > there || have <= k + k / 4 + 2 ||
	     bound >= last - range / 1000))
		return 0;
	printf("seed %llu: %zu of %zu k values: %.9g is reached by %zu, "
	       "the last is %.9g\n",
	       (unsigned long long)seed, k, count, (double)bound, have,
	       (double)last);
	return 1;
}

static int check_above(const float *values, float threshold)
{
	uint64_t above = mask_above(values, threshold);

	for (size_t i = 0; i < 64; i++)
		if ((above >> i & 1) != (uint64_t)(values[i] > threshold)) {
			printf("seed %llu: %.9g above %.9g\n",
			       (unsigned long long)seed, (double)values[i],
			       (double)threshold);
			return 1;
		}
	return 0;
}

static int check_below(float score)
{
	float below = score_below(METRIC_DOT, score);

	if (below == nextafterf(score, -INFINITY))
		return 0;
	printf("%.9g is below %.9g\n", (double)below, (double)score);
	return 1;
}

static int before(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return hit_before(*x, *y) ? -1 : hit_before(*y, *x);
}

/* Push count hits to parts lists, merge these, and compare the result with the
 * first of all hits in order. */
static int check_list(enum metric metric, size_t count, size_t limit,
		      double min_score, size_t parts)
{
	struct topk lists[4];
	struct hit all[MOST] = {0};
	size_t matching = 0, expected;

	for (size_t p = 0; p < parts; p++)
		topk_begin(&lists[p], limit, min_score);
	for (size_t i = 0; i < count; i++) {
		float score = value_of(chance(3));

		topk_push(&lists[chance(parts)], metric, score, (uint32_t)i);
		score += 0.0f;
		if (metric == METRIC_EMBEDDING)
			score = fminf(1, fmaxf(-1, score));
		if (score >= min_score)
			all[matching++] = (struct hit){score, (uint32_t)i};
	}
	for (size_t p = 1; p < parts; p++)
		topk_merge(&lists[0], &lists[p]);
	qsort(all, matching, sizeof *all, before);
	expected = matching < limit ? matching : limit;
	struct hit *hits = topk_finish(&lists[0]);
	int failed = lists[0].count != expected ||
		     lists[0].matching != matching ||
		     memcmp(hits, all, expected * sizeof *all) != 0;
	if (failed)
		printf("seed %llu: %zu best of %zu in %zu lists\n",
		       (unsigned long long)seed, limit, count, parts);
	free(hits);
	return failed;
}

static int run_case(void)
{
	float values[MOST];
	size_t kind = chance(6), count = 64 * (1 + chance(MOST / 64));
	int failed = 0;

	for (size_t i = 0; i < count; i++)
		values[i] = value_of(kind);
	failed |=
		check_bound(values, count, 1 + chance(chance(2) ? 16 : count));
	failed |= check_above(values, values[chance(count)]);
	failed |= check_below((float)random_normal(seed, counter++));
	if (seed % 8 == 0)
		failed |= check_list(
			chance(2) ? METRIC_EMBEDDING : METRIC_DOT, chance(MOST),
			1 + chance(chance(2) ? TOPK_SORTED_LIMIT : 300),
			chance(2) ? -INFINITY : value_of(1), 1 + chance(4));
	return failed;
}

int main(int argc, char **argv)
{
	static const float scores[] = {0,        -0.0F,     1,        -1,
				       INFINITY, -INFINITY, 0x1p-149F};
	int failed = score_below(METRIC_EMBEDDING, -1) != -INFINITY;

	for (size_t i = 0; i < sizeof scores / sizeof *scores; i++)
		failed |= check_below(scores[i]);
	return failed | run_cases(argc, argv, CASES, run_case);
}
