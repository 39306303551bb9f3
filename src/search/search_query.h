/* search_query: what every k-nearest-neighbour search takes and gives. */
#ifndef SEARCH_SEARCH_QUERY_H
#define SEARCH_SEARCH_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitset.h"
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

/* True if a row may be a result by search->allowed. */
static inline bool search_allows(const struct exact_search *search, size_t row)
{
	return search->allowed == NULL || bitset_test(search->allowed, row);
}

/* Free the hits of count results. */
void search_results_free(struct search_result *results, size_t count);

#endif
