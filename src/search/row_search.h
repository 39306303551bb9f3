/* row_search: k-nearest-neighbour search by the metrics that compare rows of
 * the matrix; gives the queries of search/search_query.h to
 * search/combined_search.h. */
#ifndef SEARCH_ROW_SEARCH_H
#define SEARCH_ROW_SEARCH_H

#include "model/model.h"
#include "search/combined_search.h"
#include "search/search_query.h"

/* Answer queries by METRIC_PROFILE or METRIC_COMBINED over the model's rows;
 * index and workspace may be NULL.  As exact_search_run otherwise. */
const char *row_search_run(const struct model *model,
			   const struct inverted_index *index,
			   struct combined_workspace *workspace,
			   const struct search_options *search,
			   struct search_batch *batch);

#endif
