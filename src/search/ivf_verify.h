/* ivf_verify: holds every tensor of an index (search/ivf_index.h) against the
 * embedding that it is of.  Errors are error texts that name the tensor, not
 * the file; NULL is success. */
#ifndef SEARCH_IVF_VERIFY_H
#define SEARCH_IVF_VERIFY_H

#include "model/model.h"

/* Check the index of a model that model_verify passed; NULL where it has none.
 * Every row that is not a zero vector has one place, rows ascend in a cell and
 * padding ends it; codes, scales, residuals and units are, to the bit, those of
 * the rows; centroids are unit vectors; recall rises to 1; means of nearest
 * neighbours are similarities.  O(n d). */
const char *ivf_verify(const struct model *model, unsigned threads);

/* Do again what gave the index of a model that ivf_verify passed its cells, but
 * for the training of centroids, and compare: the cell of each row, and the
 * measured recall where the seed of its sample is known.  Adds n to the
 * progress.  O(n d (cells + RECALL_SAMPLE)): less than cs-index takes. */
const char *ivf_verify_cells(const struct model *model, unsigned threads);

/* ivf_verify_cells with its progress, and the mean similarity of each row to
 * its nearest, where that is there, by a search for every row. */
const char *ivf_verify_results(const struct model *model, unsigned threads);

#endif
