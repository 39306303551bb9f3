#include "base/random.h"

#include <math.h>

uint64_t random_bits(uint64_t seed, uint64_t counter)
{
	uint64_t z = seed * 0xd1342543de82ef95 + 0x9e3779b97f4a7c15 +
		     counter * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	z ^= z >> 31;
	/* A second round parts streams whose seeds are near. */
	z = (z ^ seed) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

double random_uniform(uint64_t seed, uint64_t counter)
{
	return (double)(random_bits(seed, counter) >> 11) * 0x1p-53;
}

double random_normal(uint64_t seed, uint64_t counter)
{
	/* 1 - u is in (0, 1], so the logarithm is finite. */
	double u = 1 - random_uniform(seed, 2 * counter);
	double v = random_uniform(seed, 2 * counter + 1);

	return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}
