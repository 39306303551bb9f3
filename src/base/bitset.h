/* bitset: sets of rows, a bit each: row i is bit i % 64 of word i / 64.  A set
 * for n rows has bitset_words(n) words; what its bits from n on are does not
 * matter. */
#ifndef BASE_BITSET_H
#define BASE_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t bitset_words(size_t n)
{
	return n / 64 + 1;
}

static inline bool bitset_test(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static inline void bitset_set(uint64_t *bits, size_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static inline void bitset_clear(uint64_t *bits, size_t i)
{
	bits[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/* An empty set for n rows, and one of all n; free() them. */
uint64_t *bitset_new(size_t n);
uint64_t *bitset_new_full(size_t n);

/* Take the rows of other out of the set; both are for n rows. */
void bitset_remove(uint64_t *bits, const uint64_t *other, size_t n);

/* How many of the rows [0, n) are in the set. */
size_t bitset_count(const uint64_t *bits, size_t n);

#endif
