/* combined_search: the k most similar customers by the similarities of
 * search/combined_score.h, exactly, of all customers.
 *
 * With an index: sums of products of quantized weights over the lists of the
 * query's tags give a lower bound of every row that shares a tag and what a
 * score can be at most (search/combined_bounds.h).  The largest sums are looked
 * at first; the k-th largest lower bound is a threshold that no answer is
 * below, and only rows whose upper bound reaches it get a score.  Rows that
 * share no tag are left out where the threshold proves that they may be, and
 * are gone through by their codes where it does not.  Without an index, or
 * where few may be answers, each gets a score.
 *
 * The answer is the definition's, whichever way it is found: the same bits for
 * any kernel, number of threads, and number of queries at once.  Order and
 * counts are those of search/exact_search.h; a row without weight is nobody's
 * neighbour. */
#ifndef SEARCH_COMBINED_SEARCH_H
#define SEARCH_COMBINED_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/combined_kernels.h"
#include "search/combined_score.h"
#include "search/exact_search.h"
#include "search/inverted_index.h"

/* What threads work in, kept from one search to the next. */
struct combined_workspace;

struct combined_search {
	const struct csr_matrix *matrix;
	const float *embedding; /* n x d: U*S, not centred; n < 2^32 */
	size_t d;
	const struct inverted_index *index; /* of these rows, or NULL */
	struct similarity similarity;
	size_t limit;            /* k: how many neighbours of each query */
	double min_score;        /* none below; -INFINITY: all */
	const uint64_t *allowed; /* rows that may be answers; NULL: all may */
	bool with_self;          /* the asked row may be an answer; its
				    similarity is then 1 */
	bool count_matching;     /* set found.matching, at a price */
	const struct combined_kernel *kernel; /* NULL: the best */
	struct combined_workspace *workspace; /* NULL: one for this search */
	bool quiet;                           /* add nothing to the progress */
	unsigned threads;
};

/* Answer count queries; found has room for as many, and *zeros becomes how many
 * rows have no weight.  Adds count to the progress.  NULL or an error text: a
 * row is damaged or not finite; there is nothing to free then. */
const char *combined_search_run(const struct combined_search *search,
				const struct combined_query *queries,
				size_t count, struct search_result *found,
				size_t *zeros);

/* Room for searches by up to so many threads in a matrix of m tags; one search
 * at a time has it, and another at the same time takes its own. */
struct combined_workspace *combined_workspace_new(unsigned threads, size_t m);
void combined_workspace_free(struct combined_workspace *workspace);

#endif
