/* forward_decay: powers of two against long double arithmetic; a half-life is
 * exactly a factor of two; sums of parts are the sums of the whole. */
#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "events/forward_decay.h"

enum { ROUNDS = 20000 };

static int failed;

static void fail(const char *what, int64_t time)
{
	printf("%s, time %lld\n", what, (long long)time);
	failed = 1;
}

/* The weight against that of exp2l, to a unit of 10^-9 and 2^-54 of it. */
static void check(const struct forward_decay *decay, int64_t time)
{
	long double power = exp2l((long double)(time - decay->landmark) /
				  (long double)decay->half_life) *
			    1e9L;
	decimal weight;

	if (!forward_decay_weight(decay, time, &weight))
		fail("too large", time);
	else if (fabsl((long double)weight - power) > 1 + power * 0x1p-54L)
		fail("another weight", time);
}

static void check_random(void)
{
	for (uint64_t i = 0; i < ROUNDS; i++) {
		struct forward_decay decay;
		int64_t landmark = (int64_t)(random_bits(1, i) >> 22);
		int64_t half = 1 + (int64_t)(random_bits(2, i) >> 28);

		/* Few milliseconds, now and then. */
		if (i % 20 == 0)
			half = (int64_t)i / 20 + 1;
		forward_decay_begin(&decay, landmark, half);
		for (uint64_t j = 0; j < 5; j++) {
			double halves = 65.9 * random_uniform(3 + j, i) - 10;
			check(&decay,
			      landmark + (int64_t)(halves * (double)half));
		}
	}
}

static void check_chosen(void)
{
	struct forward_decay decay;
	decimal weight = 0;

	forward_decay_begin(&decay, 1000, 500);
	for (int i = 0; i < 56; i++)
		if (!forward_decay_weight(&decay, 1000 + 500 * i, &weight) ||
		    weight != ((decimal)1 << i) * 1000000000)
			fail("no power of two", i);
	if (forward_decay_weight(&decay, 1000 + 500 * 56, &weight) ||
	    forward_decay_weight(&decay, INT64_MAX / 2, &weight))
		fail("no limit", 56);
	if (!forward_decay_weight(&decay, 500, &weight) || weight != 500000000)
		fail("a half-life before", 500);
	if (!forward_decay_weight(&decay, -100000, &weight) || weight != 0)
		fail("long before", -100000);
}

int main(void)
{
	check_chosen();
	check_random();
	return failed;
}
