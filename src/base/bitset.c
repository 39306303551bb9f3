#include "base/bitset.h"

#include <string.h>

#include "base/alloc.h"

uint64_t *bitset_new(size_t n)
{
	return alloc(bitset_words(n), sizeof(uint64_t));
}

uint64_t *bitset_new_full(size_t n)
{
	uint64_t *bits = bitset_new(n);

	memset(bits, 0xff, bitset_words(n) * sizeof *bits);
	return bits;
}

void bitset_remove(uint64_t *bits, const uint64_t *other, size_t n)
{
	for (size_t i = 0; i < bitset_words(n); i++)
		bits[i] &= ~other[i];
}

size_t bitset_count(const uint64_t *bits, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n / 64; i++)
		count += (size_t)__builtin_popcountll(bits[i]);
	if (n % 64 > 0)
		count += (size_t)__builtin_popcountll(
			bits[n / 64] & ((UINT64_C(1) << n % 64) - 1));
	return count;
}
