/* segmentation: rows of an embedding in k groups, by spherical k-means (Dhillon
 * and Modha, Machine Learning 42, 2001): each row belongs to the centre with
 * the largest cosine.
 *
 * Where kmeans.h makes many cells for an index in few steps, this looks for few
 * groups that lie well: each run begins with centres of k-means++ (Arthur and
 * Vassilvitskii, SODA 2007; the best of CANDIDATES draws for each, by 1 -
 * cosine) and iterates until no row changes its group, at most STEPS times; of
 * several runs that with the largest sum of cosines is taken.  Cosines are the
 * exact scores of search/dot_kernels.h, the lowest centre wins a tie, and sums
 * are in double in the order of rows: the same seed gives the same bytes for
 * any number of threads and every kernel. */
#ifndef SEARCH_SEGMENTATION_H
#define SEARCH_SEGMENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/row_sample.h"

enum {
	SEGMENTATION_MOST = 1024,   /* centres */
	SEGMENTATION_SAMPLE = 8192, /* rows that centres are trained on */
	SEGMENTATION_STEPS = 50,
	SEGMENTATION_CANDIDATES = 4,
	SEGMENTATION_SEEDING = 1024,
	SEGMENTATION_FAILURES = 6,
	SEGMENTATION_RUNS = 4
};

/* The group of a zero vector. */
#define SEGMENTATION_NONE UINT32_MAX

/* Train k centres (k x sample->d unit vectors, written) in one run, k at least
 * 1 and at most sample->n.  Returns the sum of cosines of the rows with their
 * centres.  O(n k d) a step. */
double segmentation_run(const struct row_sample *sample, size_t k,
			uint64_t seed, float *centres);

/* The best of runs runs, by so many threads; the seeds of runs are drawn from
 * seed. */
void segmentation_train(const struct row_sample *sample, size_t k, size_t runs,
			uint64_t seed, unsigned threads, float *centres);

/* Assign each of n rows (n x d) to the nearest of k centres: group[i], and
 * unless NULL its cosine with that, and by how much the next centre has less
 * (NAN where k is 1).  A zero vector is in SEGMENTATION_NONE, with NAN.
 * Returns false where a row is not finite. */
bool segmentation_assign(const float *centres, size_t k, const float *rows,
			 size_t n, size_t d, unsigned threads, uint32_t *group,
			 float *cosine, float *margin);

#endif
