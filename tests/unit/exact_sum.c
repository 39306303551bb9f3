/* exact_sum: sums of whole numbers and of powers against integers, and the same
 * limbs in any order and grouping. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/exact_sum.h"
#include "base/random.h"
#include "expect.h"

enum { COUNT = 2000 };

static double sum_of(const double *items, size_t count)
{
	struct exact_sum sum = {0};

	for (size_t i = 0; i < count; i++)
		exact_sum_add(&sum, items[i]);
	return exact_sum_value(&sum);
}

static void check_values(void)
{
	static const double some[] = {0,      1,       0.1,  3.5e57, 1e-60,
				      0x1p53, 0x1p-63, 1e18, 0x1p250};

	for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
		double pair[2] = {some[i], some[i]};
		check(sum_of(pair, 1) == some[i], "one item changes");
		check(sum_of(pair, 2) == 2 * some[i], "twice an item");
	}
	double apart[3] = {0x1p100, 0x1p-200, 1};
	struct exact_sum sum = {0};
	for (int i = 0; i < 3; i++)
		exact_sum_add(&sum, apart[i]);
	check(sum.limbs[0] == UINT64_C(1) << 56, "2^-200 is lost");
	check(sum.limbs[4] == 1, "1 is lost");
	check(sum.limbs[5] == UINT64_C(1) << 36, "2^100 is lost");
	exact_sum_add(&sum, 0x1p-257);
	exact_sum_add(&sum, 0x1p-1074);
	check(sum.limbs[0] == UINT64_C(1) << 56, "what is below the unit");
	double carried[2] = {0x1p-1 - 0x1p-54, 0x1p-1 + 0x1p-52};
	check(sum_of(carried, 2) == 1 + 0x1p-52 - 0x1p-54, "a carry");
}

static void check_integers(void)
{
	struct exact_sum sum = {0};
	uint64_t expected = 0;

	for (size_t i = 0; i < COUNT; i++) {
		uint64_t item = random_bits(1, i) >> 12;
		exact_sum_add(&sum, (double)item);
		expected += item;
	}
	check(sum.limbs[4] == expected, "a sum of integers");
	check(exact_sum_value(&sum) == (double)expected, "its value");
}

/* Items of 80 magnitudes, in two orders and in groups. */
static void check_orders(void)
{
	struct exact_sum forth = {0}, back = {0}, groups[7] = {0}, all = {0};

	for (size_t i = 0; i < COUNT; i++) {
		double item = exp((random_uniform(2, i) - 0.5) * 184);
		exact_sum_add(&forth, item);
		exact_sum_add(&groups[i % 7], item);
		item = exp((random_uniform(2, COUNT - 1 - i) - 0.5) * 184);
		exact_sum_add(&back, item);
	}
	for (size_t i = 0; i < 7; i++)
		exact_sum_merge(&all, &groups[6 - i]);
	check(memcmp(&forth, &back, sizeof forth) == 0, "the order matters");
	check(memcmp(&forth, &all, sizeof forth) == 0, "groups matter");
}

int main(void)
{
	check_values();
	check_integers();
	check_orders();
	return failed;
}
