/* segmentation: rows of an embedding in k groups, by spherical k-means (Dhillon
 * and Modha, Machine Learning 42, 2001): each row belongs to the centre with
 * the largest cosine.
 *
 * kmeans.h makes many cells for an index in few steps; this spends more on few
 * groups.  Each run begins with centres of k-means++ (Arthur and Vassilvitskii,
 * SODA 2007; the best of CANDIDATES draws for each, by 1 - cosine) and iterates
 * until no row changes its group, at most STEPS times.  Then the centre that
 * its rows lose least without is drawn anew in the same way and the iteration
 * repeated, kept where the sum of cosines grows, until FAILURES such moves in
 * succession do not help.  Of several runs that with the largest sum is taken.
 *
 * Cosines are the exact scores of search/dot_kernels.h, the lowest centre wins
 * a tie, and sums are in double in the order of rows: the same seed gives the
 * same bytes for any number of threads and every kernel. */
#ifndef SEARCH_SEGMENTATION_H
#define SEARCH_SEGMENTATION_H

#include <stddef.h>
#include <stdint.h>

#include "search/row_sample.h"

enum {
	SEGMENTATION_MAX_CENTRES = 1024, /* centres */
	SEGMENTATION_SAMPLE = 8192,      /* rows that centres are trained on */
	SEGMENTATION_STEPS = 50,         /* iterations, at most */
	SEGMENTATION_CANDIDATES = 4, /* draws for each centre of k-means++ */
	SEGMENTATION_SEEDING = 1024, /* rows that these are drawn from, about */
	SEGMENTATION_FAILURES = 6, /* centres moved in vain before a run ends */
	SEGMENTATION_RUNS = 4      /* of which the best is taken */
};

/* Train k centres (k x sample->d unit vectors, written) in one run, k at least
 * 1 and at most sample->n.  Returns the sum of cosines of the rows with their
 * centres.  O(n k d) a step. */
double segmentation_run(const struct row_sample *sample, size_t k,
			uint64_t seed, float *centres);

/* Train centres (k x sample->d) in so many runs and write those of the largest
 * sum.  The seeds of the runs are drawn from seed; each run is the work of one
 * thread. */
void segmentation_train(const struct row_sample *sample, size_t k, size_t runs,
			uint64_t seed, unsigned threads, float *centres);

#endif
