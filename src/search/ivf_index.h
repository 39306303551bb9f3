/* ivf_index: customers by cell, so that a query looks at some of them only, and
 * as bytes, so that it looks at less of each.
 *
 * Tensors, where c is the number of cells (search/kmeans.h), a block TILE_ROWS
 * places, b the number of blocks, and a cell a run of blocks, its customers
 * ascending and places left over at its end: index.embedding  U8 [8]: the
 * checksum of the embedding that was indexed index.centroids  F32 [c, k]
 *   index.starts     I64 [c + 1]: the first block of each cell, and b
 *   index.rows       I32 [64 b]: the row of each place, or -1
 *   index.codes      U8 [b, int8_block_bytes]: as search/int8_quantization.h
 * has them index.scales, index.residuals    F32 [64 b] index.units      F32 [b,
 * 64 k]: unit vectors as search/dot_kernels.h has them index.recall     F64 [c,
 * 2]: of the ten nearest of a sample of customers, the share results in the
 * first 1, 2, ... c cells: by name, and where another one as similar counts too
 * Rows of zeros are in no cell.
 *
 * Whatever way is taken, a similarity is that of search/exact_search.h to the
 * bit, and the answer of exact search, or of all customers in the cells looked
 * at. */
#ifndef SEARCH_IVF_INDEX_H
#define SEARCH_IVF_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/int8_quantization.h"
#include "model/model.h"
#include "search/exact_search.h"

/* Up to so many queries are answered one by one, from codes. */
enum { IVF_INDEX_MIN_ROWS = 4 };

struct ivf_index {
	size_t n, d;
	const float *rows_of; /* n x d: the embedding */
	size_t cells, blocks;
	size_t nonzero; /* customers in cells */
	const float *centroids;
	const int64_t *starts;
	const int32_t *rows;
	const uint8_t *codes;
	const float *scales, *residuals, *units;
	const double *recall;
	const struct int8_kernel
		*bounds; /* of search/int8_quantization.h; NULL: the best */
};

/* Has the model one? */
bool ivf_index_exists(const struct model *model);

/* View it: shapes, cells that follow one another, and that it is of this
 * embedding.  NULL or a error_text. */
const char *ivf_index_view(struct ivf_index *index, const struct model *model);

/* The least number of cells with that recall by name. */
size_t ivf_index_probes(const struct ivf_index *index, double recall);

/* Add to the count of each cell the customers in it that may be answers: by
 * bits as struct exact_search has them, or, where those are NULL, all. */
void ivf_index_count(const struct ivf_index *index, const uint64_t *allowed,
		     size_t *counts);

/* exact_search_run by the cosine: exact from codes where probes is 0, else
 * among the customers in that many cells, the nearest first, and in as many
 * more as it takes to have limit of those that are allowed, and one, who may be
 * the asked.  That is decided by counts, of ivf_index_count: of this index, or
 * of several that have one set of cells, so that all look into the same; NULL:
 * of this.  results.candidates is as there; matching counts those looked at. */
const char *ivf_index_search(const struct ivf_index *index,
			     const struct exact_search *search,
			     const struct search_query *queries, size_t count,
			     size_t probes, const size_t *counts,
			     struct search_result *results, size_t *zeros);

#endif
