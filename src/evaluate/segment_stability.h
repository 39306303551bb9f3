/* segment_stability: into how many segments the customers of a model fall, so
 * that other events of the same customers give the same segments.
 *
 * For each k the customers of two models, of half A and half B of one log, are
 * segmented apart, several times from other seeds, and the partitions of the
 * customers of both halves are compared by the adjusted Rand index.  The curve
 * is its mean over the seeds; its standard error joins that of the seeds and
 * that of the customers, by the jackknife over ADJUSTED_RAND_PIECES groups of
 * them (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 11).
 * k is the largest whose mean is within one standard error of the best one's,
 * the rule of Breiman et al. (Classification and Regression Trees, 1984,
 * section 3.4.3), which is to say the finest partition that is as stable as
 * any; and 1 where none reaches SEGMENT_STABILITY_MIN_INDEX.  Above 2, k is
 * left out where the smallest segment has, on average over halves and seeds,
 * fewer than SEGMENT_STABILITY_MIN_SIZE of the customers compared: where
 * customers are of few kinds, ever smaller pieces of them agree as well. */
#ifndef EVALUATE_SEGMENT_STABILITY_H
#define EVALUATE_SEGMENT_STABILITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "model/model.h"

enum {
	SEGMENT_STABILITY_MIN_K = 2,
	SEGMENT_STABILITY_MAX_K = 40,
	SEGMENT_STABILITY_COUNT =
		SEGMENT_STABILITY_MAX_K - SEGMENT_STABILITY_MIN_K + 1,
	SEGMENT_STABILITY_SEEDS = 3,
	SEGMENT_STABILITY_MIN_SIZE = 10,
	/* Customers of both halves that are looked at, at most. */
	SEGMENT_STABILITY_CUSTOMERS = 4096
};

/* Segments that agree less than this from half to half are no segments. */
#define SEGMENT_STABILITY_MIN_INDEX 0.05

struct segment_stability {
	size_t customers; /* compared */
	size_t count;     /* of k looked at, from SEGMENT_STABILITY_MIN_K on */
	/* For each k: the mean index between halves, its standard error, and
	 * the mean index between segments of half A from other seeds. */
	double halves[SEGMENT_STABILITY_COUNT];
	double error[SEGMENT_STABILITY_COUNT];
	double seeds[SEGMENT_STABILITY_COUNT];
	/* The mean size of the smallest segment. */
	double smallest[SEGMENT_STABILITY_COUNT];
	size_t best, chosen; /* k; chosen is 1 where nothing is stable */
};

/* NULL, or an error text: too few customers are in both. */
const char *segment_stability_find(struct segment_stability *stability,
				   const struct model *a, const struct model *b,
				   uint64_t seed, unsigned threads);

/* A table: k, between halves, its standard error, between seeds, whether it is
 * the chosen one, and the size of the smallest segment. */
void segment_stability_write(struct output *output,
			     const struct segment_stability *stability);

#endif
