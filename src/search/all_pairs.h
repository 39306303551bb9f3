/* all_pairs: every row asks for every other: each pair is scored once, and the
 * score offered to the lists of both.  The chain of search/dot_kernels.h is the
 * same whichever of the two asks, and lists keep a total order, so the answers
 * are those of asking one by one. */
#ifndef SEARCH_ALL_PAIRS_H
#define SEARCH_ALL_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "search/topk.h"
#include "search/filter_refine.h"

struct all_pairs {
	const float *rows; /* n x d */
	size_t n, d;
	const double *factors; /* n: a row is compared times this; 0: not */
	enum metric metric;
	const struct filter_refine *sieve;
	size_t limit; /* of the lists; rows may be fewer */
	float floor;  /* a score must be above */
	bool every;   /* offer all above the floor, to count them */
	bool quiet;   /* add nothing to the progress */
	unsigned threads;
	struct topk *lists; /* n, begun */
};

void all_pairs_search(const struct all_pairs *mutual);

#endif
