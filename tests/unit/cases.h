/* cases: what tests of random cases share.  A case is made from its seed alone,
 * so that a failure that prints the seed can be run again. */
#ifndef UNIT_CASES_H
#define UNIT_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

/* Of the current case: its seed, and how many numbers were drawn. */
static uint64_t seed, counter;

/* A number below below, above 0. */
static inline size_t chance(size_t below)
{
	return (size_t)(random_bits(seed, counter++) % below);
}

/* Set row i of rows (d columns) to a copy of an earlier row, exact or nearly
 * so, to zero, or to numbers, small integers where coarse, times scale. Returns
 * whether it is new numbers. */
static inline bool draw_row(float *rows, size_t i, size_t d, float scale,
			    bool coarse)
{
	float *row = rows + i * d;

	if (i > 0 && chance(4) == 0) {
		memcpy(row, rows + chance(i) * d, d * sizeof *row);
		if (chance(2))
			row[chance(d)] *= 1 + 0x1p-22F;
		return false;
	}
	if (chance(12) == 0)
		return false;
	for (size_t j = 0; j < d; j++)
		row[j] = scale *
			 (coarse ? (float)((int)chance(5) - 2)
				 : (float)random_normal(seed, counter++));
	return true;
}

/* Say what is wrong with the case; returns 1. */
static inline int fail(const char *what)
{
	printf("seed %llu: %s\n", (unsigned long long)seed, what);
	return 1;
}

/* Run a case for each seed from 1 on: as many as the first argument says, or
 * cases.  Returns 1 if any case returned other than 0. */
static inline int run_cases(int argc, char **argv, unsigned long cases,
			    int (*run_case)(void))
{
	int failed = 0;

	if (argc > 1)
		cases = strtoul(argv[1], NULL, 10);
	for (seed = 1; seed <= cases; seed++) {
		counter = 0;
		failed |= run_case() != 0;
	}
	return failed;
}

#endif
