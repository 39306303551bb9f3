/* sharded_search: k-nearest-neighbour search in all files of a model
 * (search/sharded_model.h), by whichever way is chosen, or is faster: exactly,
 * by the metrics of embeddings (search/exact_search.h) or of rows
 * (search/row_search.h), or in some cells of an index (search/ivf_search.h). */
#ifndef SEARCH_SHARDED_SEARCH_H
#define SEARCH_SHARDED_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "search/search_query.h"
#include "search/sharded_model.h"

/* Returns NULL, or an error text that names a file: recall or probes are set,
 * and it has no index. */
const char *sharded_search_need_index(const struct sharded_model *shards);

/* The names of the tensors (NULL-terminated, static) of which a search by that
 * metric reads only parts, so that their checksums are not worth the time:
 * those of embeddings and indexes, where every file has an index and the
 * queries are few (IVF_INDEX_FEW_QUERIES at most).  What is read of them is
 * checked then. */
const char *const *sharded_search_unread(const struct sharded_model *shards,
					 enum metric metric, bool few);

/* exact_search_run over all files; by their indexes where recall or probes are
 * set, or where that is faster for an exact search.  Indexes that share their
 * centroids scan the same cells in every file, as many as the file that needs
 * most, with the results of one file with these cells.  search->rows and n are
 * set for each file; rows of queries, allowed bits and hits are numbered as in
 * whole.  Adds count to the progress for each file. */
const char *sharded_search_run(const struct sharded_model *shards,
			       const struct search_options *search,
			       struct search_batch *batch);

#endif
