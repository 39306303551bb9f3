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

#include <stddef.h>

#include "search/search_query.h"

/* Answer the queries of a batch.  Adds their count to the progress.  NULL, or
 * an error text: a row or query is not finite or, for "dot", so long that sums
 * may overflow; then there is nothing to free. */
const char *exact_search_run(const struct search_options *search,
			     struct search_batch *batch);

/* The kernels that a search uses where about so many queries are compared with
 * each row. */
struct score_kernels exact_search_filter(const struct search_options *search,
					 size_t queries);

/* How many queries in one call keep lists of k hits within about 512 MB, for n
 * rows; at least 1. */
size_t exact_search_batch(size_t k, size_t n);

#endif
