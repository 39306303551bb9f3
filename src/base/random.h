/* random: numbers that depend on a seed and a counter alone, so that any thread
 * can compute any of them.  The generator is SplitMix64's finalizer over
 * seed and counter (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, OOPSLA 2014). */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* 64 bits. */
uint64_t random_bits(uint64_t seed, uint64_t counter);

/* A double in [0, 1). */
double random_uniform(uint64_t seed, uint64_t counter);

/* A standard normal double (Box and Muller, 1958; uses libm). */
double random_normal(uint64_t seed, uint64_t counter);

#endif
