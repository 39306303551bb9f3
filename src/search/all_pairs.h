/* all_pairs: exact k-nearest neighbours of every row among all other rows (the
 * k-NN self-join).  The score is symmetric, so each pair is scored once and
 * pushed to the lists of both rows.  Results are those of n separate
 * queries. */
#ifndef SEARCH_ALL_PAIRS_H
#define SEARCH_ALL_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "search/filter_operands.h"
#include "search/topk.h"

/* All borrowed; lists are filled. */
struct all_pairs {
	const float *rows; /* n x d, row major */
	size_t n, d;
	const double *factors; /* n: a row is compared times this; 0: the row
				  takes no part */
	enum metric metric;
	const struct score_kernels *filter;
	size_t limit;        /* k; the lists may be shorter than that */
	float threshold;     /* a score must be above */
	bool count_matching; /* push all above the threshold, to count them */
	bool quiet;          /* do not report progress */
	unsigned threads;
	struct topk *lists; /* n, begun by the caller */
};

/* Adds n to the progress.  Time O(n^2 d) / 2 without a filter; memory, besides
 * the lists, 4 n bytes and a panel for each thread. */
void all_pairs_search(const struct all_pairs *search);

#endif
