/* bootstrap: percentile intervals of sums over customers, by resampling the
 * customers (Efron: Bootstrap methods, Annals of Statistics 7, 1979).
 *
 * Every column is resampled by the same draws, so that a difference of two
 * figures is paired.  Draws depend on the seed and on the number of customers
 * alone, not on threads. */
#ifndef EVALUATE_BOOTSTRAP_H
#define EVALUATE_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

/* A figure and its 95 % interval. */
struct interval {
	double value, low, high;
};

struct bootstrap {
	/* Set by the caller, whose the arrays are: */
	const double *values; /* columns x customers: sums are taken of them */
	const double *ranks;  /* medians x customers: (lower) medians are */
	size_t customers, columns, medians, rounds;
	uint64_t seed;
	unsigned threads;
	/* Set by bootstrap_run: */
	double *sums;   /* (rounds + 1) x columns: the last row is the sums of
			   the customers as they are */
	double *middle; /* (rounds + 1) x medians: likewise */
};

/* Resample the customers; bootstrap_free frees what that gives. */
void bootstrap_run(struct bootstrap *bootstrap);
void bootstrap_free(struct bootstrap *bootstrap);

/* The interval of a function of the sums and medians of a draw. */
struct interval bootstrap_interval(const struct bootstrap *bootstrap,
				   double (*figure)(const void *context,
						    const double *sums,
						    const double *medians),
				   const void *context);

#endif
