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
	size_t customers, columns, medians, rounds;
	double *sums;   /* (rounds + 1) x columns: the last row is the sums of
			   the customers as they are */
	double *middle; /* (rounds + 1) x medians: likewise */
};

/* values: columns x customers, of which sums are taken; ranks: medians x
 * customers, of which (lower) medians are. */
void bootstrap_run(struct bootstrap *bootstrap, const double *values,
		   size_t columns, const double *ranks, size_t medians,
		   size_t customers, size_t rounds, uint64_t seed,
		   unsigned threads);
void bootstrap_free(struct bootstrap *bootstrap);

/* The interval of a function of the sums and medians of a draw. */
struct interval bootstrap_interval(const struct bootstrap *bootstrap,
				   double (*figure)(const void *context,
						    const double *sums,
						    const double *medians),
				   const void *context);

#endif
