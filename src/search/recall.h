/* recall: recall@10 of a search in the nearest p cells of a partition, for
 * every p, measured on a sample of rows against exact search.
 *
 * A true neighbour is found with p cells if and only if its cell is among the p
 * nearest to the query, so one exact search gives the recall for every p. */
#ifndef SEARCH_RECALL_H
#define SEARCH_RECALL_H

#include <stddef.h>
#include <stdint.h>

enum { RECALL_SAMPLE = 1000, RECALL_AT = 10 };

/* Rows partitioned into cells; all borrowed. */
struct partitioned_search {
	const float *rows; /* n x d, row major */
	size_t n, d;
	const float *centroids; /* count x d */
	size_t count;
	const uint32_t *cells; /* n: of each row, or KMEANS_NONE */
};

/* recall (count x 2) becomes, in row p - 1, the mean recall@10 with p cells:
 * by row, and by score, where every row with at least the score of the tenth
 * counts as found.  1 where the sample has no neighbours.  Returns NULL, or an
 * error text: a row is not finite. */
const char *recall_measure(const struct partitioned_search *search,
			   uint64_t seed, unsigned threads, double *recall);

#endif
