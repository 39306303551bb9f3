/* nearest_centre: the centre, of k unit vectors, with which a row has the
 * largest cosine; the lowest centre wins a tie.  Cosines are the exact scores
 * of search/dot_kernels.h: the same for any number of threads and every
 * kernel. */
#ifndef SEARCH_NEAREST_CENTRE_H
#define SEARCH_NEAREST_CENTRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/dot_vectors.h"

/* The centre of a zero vector. */
#define NEAREST_CENTRE_NONE UINT32_MAX

/* Of each row of a tile: its largest and second largest score, and the centre
 * of the largest. */
struct nearest_centres {
	float first[TILE_QUERIES], second[TILE_QUERIES];
	uint32_t centre[TILE_QUERIES];
};

/* Find these from the scores of a tile's TILE_QUERIES rows with k centres:
 * row i has scores[i * ld] and those that follow, as coarse_query_score writes
 * them; NAN and -INFINITY are no scores. */
void nearest_centres_find(const float *scores, size_t ld, size_t k,
			  struct nearest_centres *best);

/* The centre of row i of the tile, its cosine, from -1 to 1, and the margin, by
 * which the next centre has less (NAN where there is none).
 * NEAREST_CENTRE_NONE and a cosine of NAN where no centre has a score. */
uint32_t nearest_centres_of_row(const struct nearest_centres *best, size_t i,
				float *cosine, float *margin);

/* Rows, and the centre of each. */
struct centre_assignment {
	const float *centres; /* k x d */
	const float *rows;    /* n x d */
	size_t k, n, d;
	/* Set for each row, as above; the caller's. */
	uint32_t *group;
	float *cosine, *margin; /* may be NULL */
};

/* Assign each row to the nearest centre.  A zero vector is in
 * NEAREST_CENTRE_NONE, with NAN.  Returns false where a row or a centre is not
 * finite.  O(n k d). */
bool nearest_centre_assign(const struct centre_assignment *assignment,
			   unsigned threads);

#endif
