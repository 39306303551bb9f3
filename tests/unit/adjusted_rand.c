/* adjusted_rand by its definition: pairs of customers that are together in
 * both, in one, in none. */
#include <math.h>

#include "base/alloc.h"
#include "cases.h"
#include "evaluate/adjusted_rand.h"

enum { MOST = 120 };

/* Of the customers not in a piece. */
static double by_pairs(const uint32_t *a, const uint32_t *b, size_t n,
		       size_t piece)
{
	double both = 0, of_a = 0, of_b = 0, pairs = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			if (i % ADJUSTED_RAND_PIECES == piece ||
			    j % ADJUSTED_RAND_PIECES == piece)
				continue;
			both += a[i] == a[j] && b[i] == b[j];
			of_a += a[i] == a[j];
			of_b += b[i] == b[j];
			pairs++;
		}
	if (pairs == 0 || of_a == pairs || of_b == pairs || of_a + of_b == 0)
		return 0;
	double expected = of_a * of_b / pairs;

	return (both - expected) / ((of_a + of_b) / 2 - expected);
}

static int run_case(void)
{
	size_t n = chance(MOST), k_a = chance(6) + 1, k_b = chance(6) + 1;
	uint32_t a[MOST], b[MOST];
	double without[ADJUSTED_RAND_PIECES];

	for (size_t i = 0; i < n; i++) {
		a[i] = (uint32_t)chance(k_a);
		b[i] = chance(3) ? (uint32_t)(a[i] % k_b)
				 : (uint32_t)chance(k_b);
	}
	if (fabs(adjusted_rand(a, k_a, b, k_b, n, without) -
		 by_pairs(a, b, n, SIZE_MAX)) > 1e-12)
		return fail("not the index by its definition");
	for (size_t p = 0; p < ADJUSTED_RAND_PIECES; p++)
		if (fabs(without[p] - by_pairs(a, b, n, p)) > 1e-12)
			return fail("not the index without a piece");
	if (k_a > 1 && n > 20 &&
	    fabs(adjusted_rand(a, k_a, a, k_a, n, NULL) - 1) > 1e-12)
		return fail("not 1 for the same partition");
	return 0;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, 300, run_case);
}
