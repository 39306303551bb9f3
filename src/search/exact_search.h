/* exact_search: exact k-nearest-neighbour search by cosine or dot product.
 *
 * For the cosine, row x is compared as the unit vector (float)(x[j] / |x|),
 * computed in double, |x| the root of dot_square_norm, and rounded once; for
 * the metric "dot" rows are compared as they are.  A score is the exact score
 * of search/dot_kernels.h, with -0 made +0 and cosines clamped to [-1, 1]; it
 * is symmetric in its two vectors.  Results are in the order of search/topk.h.
 * A zero vector has no neighbours and is nobody's neighbour.  Results are the
 * same bits for every kernel, number of threads and number of queries in a
 * call. */
#ifndef SEARCH_EXACT_SEARCH_H
#define SEARCH_EXACT_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/filter_operands.h"
#include "search/topk.h"

/* No row. */
#define ROW_NONE ((size_t)-1)

/* What is searched, and how; everything is borrowed for the call. */
struct exact_search {
	const float *rows; /* n x d, row major, not normalized; n < 2^32 */
	size_t n, d;
	enum metric metric;
	size_t limit;            /* k: neighbours for each query */
	double min_score;        /* none below; -INFINITY: all */
	const uint64_t *allowed; /* bit i % 64 of word i / 64 is set where row
				    i may be a result; NULL: all may */
	bool with_self;          /* the query's own row may be a result; its
				    cosine is then 1 by definition */
	bool count_matching;     /* set search_result.matching; slower, since
				    thresholds cannot rise */
	const struct dot_kernel *kernel;  /* NULL: the best, with the filter
					     where that is faster; else with
					     bounds */
	const struct int8_kernel *bounds; /* the filter, or NULL: none */
	bool quiet;                       /* do not report progress */
	unsigned threads;
};

/* A query: d floats, not normalized, and the row that it is, or ROW_NONE. */
struct search_query {
	const float *vector;
	size_t self;
	size_t asked; /* not read here: the caller's number of the query, for
			 explain/result_writer.h its row in the model of the
			 queries */
};

struct search_result {
	struct hit *hits; /* best first; search_results_free frees them */
	size_t count;
	size_t candidates; /* rows that could have been results */
	size_t matching;   /* those of them with at least min_score */
	bool zero;         /* the query is a zero vector: no hits */
};

/* Answer count queries into results (count items), and set *zeros to the number
 * of rows that are zero vectors.  Adds count to the progress.  Returns NULL, or
 * an error text: a row or query is not finite or, for "dot", so long that sums
 * may overflow; then there is nothing to free. */
const char *exact_search_run(const struct exact_search *search,
			     const struct search_query *queries, size_t count,
			     struct search_result *results, size_t *zeros);

void search_results_free(struct search_result *results, size_t count);

/* The kernels that a search uses where about so many queries are compared with
 * each row. */
struct filter_refine exact_search_filter(const struct exact_search *search,
					 size_t queries);

/* How many queries in one call keep lists of k hits within about 512 MB, for n
 * rows; at least 1. */
size_t exact_search_batch(size_t k, size_t n);

#endif
