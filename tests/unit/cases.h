/* cases: what tests of random cases share.  A case is made from its seed alone,
 * so that a failure that prints the seed can be run again. */
#ifndef UNIT_CASES_H
#define UNIT_CASES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

/* Of the current case: its seed, and how many numbers were drawn. */
static uint64_t seed, counter;

/* A number below below, above 0. */
static inline size_t chance(size_t below)
{
	return (size_t)(random_bits(seed, counter++) % below);
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
