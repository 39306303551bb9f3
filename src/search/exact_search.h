/* exact_search: the k best of many scores, in an order that is total.
 *
 * Rows are compared as unit vectors of float32: row x is x[j] * (1 / |x|)
 * worked out in double, |x| the root of dot_square_norm, and rounded once; for
 * the metric "dot" rows are taken as they are.  The score of two rows is
 * search/dot_kernels.h's chain over them, -0 made +0, and for the cosine
 * clamped to [-1, 1]; it is the same whichever of the two asks.  Order: falling
 * score, then ascending row.  A row of zeros is nobody's neighbour.  However
 * the work is cut (kernel, threads, queries at once), the answer has the same
 * bits. */
#ifndef SEARCH_EXACT_SEARCH_H
#define SEARCH_EXACT_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/topk.h"
#include "search/filter_refine.h"

/* No row. */
#define ROW_NONE ((size_t)-1)

struct exact_search {
	const float *rows; /* n x d, as a file has them; n < 2^32 */
	size_t n, d;
	enum metric metric;
	size_t limit;            /* k: how many neighbours of each query */
	double least;            /* none below; -INFINITY: all */
	const uint64_t *allowed; /* bit i % 64 of word i / 64: row i may
				    be an answer; NULL: all may */
	bool with_self;          /* the asked row may be an answer; its cosine
				    is then 1 */
	bool count_matching;     /* set found.matching, at a price */
	const struct dot_kernel *kernel; /* of search/dot_kernels.h; NULL: the
					best, sifted by int8_kernel_filter where
					that is faster; else by bounds */
	const struct int8_kernel *
		bounds; /* of search/int8_quantization.h, or NULL: not sifted */
	bool quiet;     /* add nothing to the progress */
	unsigned threads;
};

/* Who is asked for: d floats, and the row that they are, or ROW_NONE. */
struct search_query {
	const float *vector;
	size_t self;
	size_t asked; /* row of the model that asks; for explain/result_writer.h
		       */
};

struct search_result {
	struct hit *hits; /* best first; search_results_free frees them */
	size_t count;
	size_t candidates; /* rows that could have been answers */
	size_t matching;   /* those of them with at least the least */
	bool zero;         /* the query is all zeros: no neighbours */
};

/* Answer count queries; found has room for as many, and *zeros becomes how
 * many rows are all zeros.  Adds count to the progress.  NULL or a error_text:
 * a row is not finite, or, for the metric "dot", so long that a sum of
 * products may overflow; there is nothing to free then. */
const char *exact_search_run(const struct exact_search *search,
			     const struct search_query *queries, size_t count,
			     struct search_result *found, size_t *zeros);

void search_results_free(struct search_result *found, size_t count);

/* How its products are worked out, where about so many queries meet each
 * row. */
struct filter_refine exact_search_filter(const struct exact_search *search,
					 size_t queries);

/* How many queries at once keep lists of k items within about 512 MB. */
size_t exact_search_batch(size_t k, size_t n);

#endif
