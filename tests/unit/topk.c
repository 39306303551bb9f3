/* best: what so many numbers reach is reached by as many, and not far below the
 * last of them; what is above a bar is above it; a float below another is the
 * next one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/topk.h"
#include "base/random.h"

enum { CASES = 20000, MOST = 1024 };

static uint64_t seed, counter;

static size_t chance(size_t below)
{
	return (size_t)(random_bits(seed, counter++) % below);
}

/* Close together, with ties, or with some that are no numbers, or none. */
static float number_of(size_t kind)
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

static int check_reached(const float *numbers, size_t count, size_t wanted)
{
	float reached = kth_lower_bound(numbers, count, wanted);
	float sorted[MOST], last = -INFINITY, range;
	size_t have = 0, there = 0;

	for (size_t i = 0; i < count; i++) {
		have += numbers[i] >= reached;
		if (numbers[i] > -INFINITY)
			sorted[there++] = numbers[i];
	}
	qsort(sorted, there, sizeof *sorted, falling);
	if (wanted <= there)
		last = sorted[wanted - 1];
	range = there ? sorted[0] - sorted[there - 1] : 0;
	/* Ten halvings, or a quarter and two more than are wanted. */
	if (reached <= last && (reached == -INFINITY || have >= wanted) &&
	    (wanted > there || have <= wanted + wanted / 4 + 2 ||
	     reached >= last - range / 1000))
		return 0;
	printf("seed %llu: %zu of %zu wanted numbers: %.9g is reached by %zu, "
	       "the last is %.9g\n",
	       (unsigned long long)seed, wanted, count, (double)reached, have,
	       (double)last);
	return 1;
}

static int check_above(const float *numbers, float least)
{
	uint64_t above = mask_above(numbers, least);

	for (size_t i = 0; i < 64; i++)
		if ((above >> i & 1) != (uint64_t)(numbers[i] > least)) {
			printf("seed %llu: %.9g above %.9g\n",
			       (unsigned long long)seed, (double)numbers[i],
			       (double)least);
			return 1;
		}
	return 0;
}

static int check_below(float bar)
{
	float below = score_below(METRIC_DOT, bar);

	if (below == nextafterf(bar, -INFINITY))
		return 0;
	printf("%.9g is below %.9g\n", (double)below, (double)bar);
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 10) : CASES;
	static const float bars[] = {0,        -0.0F,     1,        -1,
				     INFINITY, -INFINITY, 0x1p-149F};
	float numbers[MOST];
	int failed = 0;

	for (size_t i = 0; i < sizeof bars / sizeof *bars; i++)
		failed |= check_below(bars[i]);
	failed |= score_below(METRIC_COSINE, -1) != -INFINITY;
	for (seed = 1; seed <= cases; seed++) {
		size_t count, kind = chance(6);

		counter = 0;
		count = 64 * (1 + chance(MOST / 64));
		for (size_t i = 0; i < count; i++)
			numbers[i] = number_of(kind);
		failed |= check_reached(numbers, count,
					1 + chance(chance(2) ? 16 : count));
		failed |= check_above(numbers, numbers[chance(count)]);
		failed |= check_below((float)random_normal(seed, counter++));
	}
	return failed;
}
