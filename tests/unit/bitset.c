/* bitset: every operation against an array of bool, for sizes around a word. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bitset.h"
#include "base/random.h"

enum { MOST = 200, STEPS = 400 };

static int failed;

static void compare(const char *what, const uint64_t *bits, const bool *wanted,
		    size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		count += wanted[i];
		if (bitset_test(bits, i) == wanted[i])
			continue;
		printf("%s: bit %zu of %zu differs\n", what, i, n);
		failed = 1;
	}
	if (bitset_count(bits, n) != count) {
		printf("%s: %zu of %zu are set, expected %zu\n", what,
		       bitset_count(bits, n), n, count);
		failed = 1;
	}
}

static void check(size_t n)
{
	uint64_t *bits = bitset_new(n), *full = bitset_new_full(n);
	bool wanted[MOST] = {false}, rest[MOST] = {false};

	compare("empty", bits, wanted, n);
	for (uint64_t step = 0; step < STEPS && n > 0; step++) {
		size_t i = random_bits(n, step) % n;

		wanted[i] = random_bits(n + 1, step) & 1;
		if (wanted[i])
			bitset_set(bits, i);
		else
			bitset_clear(bits, i);
	}
	compare("set and cleared", bits, wanted, n);
	for (size_t i = 0; i < n; i++)
		rest[i] = true;
	compare("full", full, rest, n);
	for (size_t i = 0; i < n; i++)
		rest[i] = !wanted[i];
	bitset_remove(full, bits, n);
	compare("removed", full, rest, n);
	free(bits);
	free(full);
}

int main(void)
{
	for (size_t n = 0; n < MOST; n++)
		check(n);
	return failed;
}
