/* exact_sum: sums of squares and the like that do not depend on the order of
 * what is added: a fixed-point number of 512 bits in units of 2^-256. */
#ifndef BASE_EXACT_SUM_H
#define BASE_EXACT_SUM_H

#include <stdint.h>

enum { EXACT_SUM_LIMBS = 8 };

/* The sum of limbs[i] 2^(64 i - 256).  Zero is 0. */
struct exact_sum {
	uint64_t limbs[EXACT_SUM_LIMBS];
};

/* Add a finite x >= 0, less what it has below 2^-256.  The sum must stay below
 * 2^256. */
void exact_sum_add(struct exact_sum *sum, double x);

/* Add another sum; the same holds. */
void exact_sum_merge(struct exact_sum *sum, const struct exact_sum *other);

/* The sum as a double, within 2^-51 of its size: a function of the limbs alone.
 */
double exact_sum_value(const struct exact_sum *sum);

#endif
