/* random: the numbers have the moments of their distributions, and those of
 * other seeds are others. */
#include <math.h>
#include <stdio.h>

#include "base/random.h"

enum { DRAWS = 1000000 };

static int failed;

static void near(const char *what, double value, double wanted, double most)
{
	if (fabs(value - wanted) <= most)
		return;
	printf("%s: %g, expected %g\n", what, value, wanted);
	failed = 1;
}

/* Bounds are five standard errors. */
static void check_uniform(uint64_t seed)
{
	double sum = 0, squares = 0, product = 0, last = 0;

	for (uint64_t i = 0; i < DRAWS; i++) {
		double value = random_uniform(seed, i);
		if (!(value >= 0 && value < 1))
			near("uniform: range", value, 0.5, 0.5);
		sum += value;
		squares += value * value;
		product += (value - 0.5) * (last - 0.5);
		last = value;
	}
	near("uniform: mean", sum / DRAWS, 0.5, 5 * sqrt(1 / 12.0 / DRAWS));
	near("uniform: square", squares / DRAWS, 1 / 3.0,
	     5 * sqrt(4 / 45.0 / DRAWS));
	near("uniform: neighbours", product / DRAWS, 0, 5 / 12.0 / sqrt(DRAWS));
}

static void check_normal(uint64_t seed)
{
	double sum = 0, squares = 0, fourth = 0;

	for (uint64_t i = 0; i < DRAWS; i++) {
		double value = random_normal(seed, i);
		sum += value;
		squares += value * value;
		fourth += value * value * value * value;
	}
	near("normal: mean", sum / DRAWS, 0, 5 / sqrt(DRAWS));
	near("normal: variance", squares / DRAWS, 1, 5 * sqrt(2.0 / DRAWS));
	near("normal: fourth moment", fourth / DRAWS, 3,
	     5 * sqrt(96.0 / DRAWS));
}

/* How often each bit is set, and that other seeds give other bits. */
static void check_bits(void)
{
	size_t equal = 0;

	for (int bit = 0; bit < 64; bit++) {
		double set = 0;
		for (uint64_t i = 0; i < 20000; i++)
			set += (double)(random_bits(7, i) >> bit & 1);
		near("bits: share", set / 20000, 0.5, 5 * 0.5 / sqrt(20000));
	}
	for (uint64_t i = 0; i < 100000; i++)
		equal += random_bits(1, i) == random_bits(2, i);
	near("bits: equal for two seeds", (double)equal, 0, 0);
}

int main(void)
{
	for (uint64_t seed = 0; seed < 3; seed++) {
		check_uniform(seed);
		check_normal(seed);
	}
	check_bits();
	return failed;
}
