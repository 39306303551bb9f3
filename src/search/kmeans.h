/* kmeans: an embedding cut into cells by spherical k-means: each customer is in
 * the cell of the centroid that is most similar to it.
 *
 * Centroids are trained on a sample: KMEANS_SAMPLE customers for each, evenly
 * spread over the rows that are not zeros with a place of chance in each
 * stretch, in KMEANS_STEPS steps of Lloyd's (IEEE Trans. Inf. Theory 28, 1982).
 * Similarities are those of search/exact_search.h, the lowest cell wins a tie,
 * and sums are in double in the order of rows, so the same seed gives the same
 * bytes by any threads. */
#ifndef SEARCH_KMEANS_H
#define SEARCH_KMEANS_H

#include <stddef.h>
#include <stdint.h>

enum { KMEANS_SAMPLE = 64, KMEANS_STEPS = 6 };

/* The cell of a row of zeros. */
#define KMEANS_NONE UINT32_MAX

/* How many cells suit n customers. */
size_t kmeans_count(size_t n);

/* Set centroids (count x d) for rows (n x d); NULL or a error_text: a row is
 * not finite.  They are zeros where all rows are. */
const char *kmeans_train(const float *rows, size_t n, size_t d, uint64_t seed,
			 unsigned threads, float *centroids, size_t count);

/* Set the cell of each row; NULL or a error_text: a row is not finite.  Adds n
 * to the progress. */
const char *kmeans_assign(const float *centroids, size_t count,
			  const float *rows, size_t n, size_t d,
			  unsigned threads, uint32_t *cells);

#endif
