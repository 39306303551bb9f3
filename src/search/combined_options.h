/* combined_options: what search/combined_search.h searches, and how. */
#ifndef SEARCH_COMBINED_OPTIONS_H
#define SEARCH_COMBINED_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"
#include "search/combined_kernels.h"
#include "search/combined_score.h"
#include "search/inverted_index.h"

/* The memory of the threads of a search, kept from one search to the next. */
struct combined_workspace;

/* Everything is borrowed for the call. */
struct combined_options {
	const struct csr_matrix *matrix;
	const float
		*embedding; /* n x d, row major: U*S, not centred; n < 2^32 */
	size_t d;
	const struct inverted_index *index; /* of these rows, or NULL */
	struct similarity similarity;
	size_t limit;            /* k: how many neighbours of each query */
	double min_score;        /* none below; -INFINITY: all */
	const float *thresholds; /* of each query, or NULL: as in
				    struct search_options */
	const uint64_t *allowed; /* mask of rows that may be results; NULL: all
				    may */
	bool with_self;          /* the query's own row may be a result; its
				    similarity is then 1 */
	bool count_matching;     /* set search_result.matching; slower, since
				    the threshold cannot rise */
	const struct combined_kernel *kernel; /* NULL: the best */
	struct combined_workspace *workspace; /* NULL: one for this search */
	bool quiet;                           /* add nothing to the progress */
	unsigned threads;
};

#endif
