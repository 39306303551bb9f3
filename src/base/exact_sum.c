#include "base/exact_sum.h"

#include <math.h>

/* Bits of a limb; of a double's significand; the exponent of the unit. */
enum { LIMB = 64, SIGNIFICAND = 53, UNIT = -256 };

/* Add value 2^(64 limb) units, with carries. */
static void add_limb(struct exact_sum *sum, int limb, uint64_t value)
{
	for (int i = limb; value != 0 && i < EXACT_SUM_LIMBS; i++) {
		sum->limbs[i] += value;
		value = sum->limbs[i] < value;
	}
}

void exact_sum_add(struct exact_sum *sum, double x)
{
	int exponent;
	uint64_t bits = (uint64_t)ldexp(frexp(x, &exponent), SIGNIFICAND);
	int shift = exponent - SIGNIFICAND - UNIT;

	if (shift <= -LIMB)
		return;
	if (shift < 0) {
		bits >>= -shift;
		shift = 0;
	}
	add_limb(sum, shift / LIMB, bits << shift % LIMB);
	if (shift % LIMB > 0)
		add_limb(sum, shift / LIMB + 1, bits >> (LIMB - shift % LIMB));
}

void exact_sum_merge(struct exact_sum *sum, const struct exact_sum *other)
{
	for (int i = 0; i < EXACT_SUM_LIMBS; i++)
		add_limb(sum, i, other->limbs[i]);
}

double exact_sum_value(const struct exact_sum *sum)
{
	double value = 0;

	for (int i = 0; i < EXACT_SUM_LIMBS; i++)
		value += ldexp((double)sum->limbs[i], LIMB * i + UNIT);
	return value;
}
