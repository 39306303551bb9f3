/* kmeans: spherical k-means (Dhillon and Modha, Machine Learning 42, 2001):
 * each row belongs to the cell of the centroid with the largest cosine.
 *
 * Centroids are trained on a stratified sample of up to KMEANS_SAMPLE rows for
 * each centroid, of rows that are not zero vectors, in KMEANS_STEPS iterations
 * of Lloyd's algorithm (IEEE Trans. Inf. Theory 28, 1982).  Cosines are those
 * of search/exact_search.h, the lowest cell wins a tie, and sums are in double
 * in the order of rows: the same seed gives the same bytes for any number of
 * threads. */
#ifndef SEARCH_KMEANS_H
#define SEARCH_KMEANS_H

#include <stddef.h>
#include <stdint.h>

enum { KMEANS_SAMPLE = 64, KMEANS_STEPS = 6 };

/* The cell of a zero vector. */
#define KMEANS_NONE UINT32_MAX

/* The default number of cells for n rows: a power of two, at most 2 sqrt(n) and
 * n / 128, at least 1. */
size_t kmeans_count(size_t n);

/* Train centroids (count x d, written) on rows (n x d, row major), count <= n.
 * Returns NULL, or an error text: a row is not finite.  Centroids are zero
 * vectors where all rows are. */
const char *kmeans_train(const float *rows, size_t n, size_t d, uint64_t seed,
			 unsigned threads, float *centroids, size_t count);

/* Write the cell of each row to cells (n).  Adds n to the progress.  Returns
 * NULL, or an error text: a row is not finite. */
const char *kmeans_assign(const float *centroids, size_t count,
			  const float *rows, size_t n, size_t d,
			  unsigned threads, uint32_t *cells);

#endif
