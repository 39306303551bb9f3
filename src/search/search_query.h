/* search_query: what every k-nearest-neighbour search takes and gives. */
#ifndef SEARCH_SEARCH_QUERY_H
#define SEARCH_SEARCH_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitset.h"
#include "model/csr_matrix.h"
#include "search/filter_operands.h"
#include "search/topk.h"

/* No row. */
#define ROW_NONE ((size_t)-1)

/* What is searched, and how; everything is borrowed for the call. */
struct search_options {
	const float *rows; /* n x d, row major, not normalized; n < 2^32 */
	size_t n, d;
	enum metric metric;
	double alpha;            /* of METRIC_COMBINED: 0 to 1 */
	size_t limit;            /* k: neighbours for each query */
	double min_score;        /* none below; -INFINITY: all */
	const float *thresholds; /* NULL, or for each query a lower bound of
				    its k-th best score, known from other files:
				    rows below it need not be found.  Read for
				    METRIC_PROFILE and _COMBINED, without
				    count_matching */
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

/* The words of enum metric, in order, NULL-terminated. */
extern const char *const metric_words[];

/* Set *metric to the one of that word; false: there is none. */
bool metric_from_word(const char *word, enum metric *metric);

/* alpha where none is chosen. */
#define DEFAULT_ALPHA 1.0

/* True for METRIC_PROFILE and METRIC_COMBINED, which compare rows. */
bool metric_compares_rows(enum metric metric);

/* A query: d floats, not normalized, and the row that it is, or ROW_NONE. */
struct search_query {
	const float *vector;
	size_t self;
	/* Its row of the matrix, checked: for METRIC_PROFILE and _COMBINED. */
	const int32_t *tags; /* count, ascending */
	const float *values; /* count */
	size_t count;
	size_t row; /* not read here: its row in the model of the queries, for
		       explain/ */
};

/* A row of a matrix, checked by csr_matrix_check_row, and of its embedding
 * (n x d) as a query. */
struct search_query search_query_row(const struct csr_matrix *matrix,
				     const float *embedding, size_t d,
				     size_t row, size_t self);

struct search_result {
	struct hit *hits; /* best first; search_results_free frees them */
	size_t count;
	size_t candidates; /* rows that could have been results */
	size_t matching;   /* those of them with at least min_score */
	bool zero;         /* the query is a zero vector: no hits */
	size_t tied; /* rows as similar as the last hit, it too, where they
			were counted and some are no hits; else 0 */
};

/* The queries of one call, and their results. */
struct search_batch {
	const struct search_query *queries; /* count, borrowed */
	size_t count;
	struct search_result *results; /* count, set */
	size_t zeros; /* set: how many rows searched are zero vectors */
};

/* True if a row may be a result by search->allowed. */
static inline bool search_allows(const struct search_options *search,
				 size_t row)
{
	return search->allowed == NULL || bitset_test(search->allowed, row);
}

/* A min_score for scores that are at least wanted as they are printed, by 9
 * significant digits: a threshold copied from a list keeps the line that it is
 * of, whose score in single precision may be less. */
double search_min_score(double wanted);

/* Drop, of count results, the hits of score 0, which share nothing with the
 * query, and those after them.  For searches that were not given a min_score.
 * Were only the zeros dropped, rows of negative scores would move up to their
 * places in a search for more hits, so that the k best were not the first of
 * the k + 1 best. */
void search_results_cut_at_zero(struct search_result *results, size_t count);

/* How many of the hits are as similar as the last one. */
size_t search_result_listed_tied(const struct search_result *result);

/* Free the hits of count results. */
void search_results_free(struct search_result *results, size_t count);

#endif
