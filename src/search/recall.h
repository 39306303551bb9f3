/* recall: what share of the ten nearest customers is found in the cells that
 * are looked at, measured against exact search on a sample.
 *
 * Whoever of the ten is in one of the first p cells of a query is found when p
 * cells are looked at, and no one else of them, so one exact search tells the
 * share for every p. */
#ifndef SEARCH_RECALL_H
#define SEARCH_RECALL_H

#include <stddef.h>
#include <stdint.h>

enum { RECALL_SAMPLE = 1000, RECALL_AT = 10 };

/* Who is in which cell. */
struct partitioned_search {
	const float *rows; /* n x d */
	size_t n, d;
	const float *centroids; /* count x d */
	size_t count;
	const uint32_t *cells; /* n */
};

/* Set recall[2 p] and recall[2 p + 1] for p + 1 cells, p below count: the mean
 * share by row, and that where a row as similar as the tenth counts too.  NULL
 * or a error_text: a row is not finite. */
const char *recall_measure(const struct partitioned_search *parted,
			   uint64_t seed, unsigned threads, double *recall);

#endif
