/* summary_builder: a summary (explain/summary.h) straight from a model and the
 * results of a search there: the same, to the last digit, as cs-summarize reads
 * from the lines of cs-knn. */
#ifndef EXPLAIN_SUMMARY_BUILDER_H
#define EXPLAIN_SUMMARY_BUILDER_H

#include "explain/contributions.h"
#include "explain/neighbours_metadata.h"
#include "explain/neighbours_profiles.h"
#include "explain/summary.h"
#include "explain/top_contributions.h"
#include "model/model.h"
#include "search/exact_search.h"
#include "search/sharded_model.h"

/* One for each thread. */
struct summary_builder {
	const struct sharded_model *shards;
	struct top_contributions top;
	/* private: */
	size_t *index;   /* m: 1 + a column's index among the tags of the
			    summary at hand, or 0 */
	size_t *columns; /* of each tag of the summary at hand */
	size_t column_room;
	struct row_entry *order;
	size_t order_room;
};

/* shards and contributions, which are of shards->whole, must outlive the
 * builder. */
void summary_builder_begin(struct summary_builder *builder,
			   const struct sharded_model *shards,
			   const struct contributions *contributions);
void summary_builder_end(struct summary_builder *builder);

/* Each of these makes the summary, which summary_free frees, of a query that is
 * a row of query_model: shards->whole, or one with the same columns and
 * dimensions; for that the summary's query has the empty name.  Of the metadata
 * candidates and matching are taken from the result.  NULL, or an error text,
 * and then nothing is to be freed: the model is damaged. */

/* The query, its neighbours, their profiles, and what they share. */
const char *summary_builder_query(struct summary_builder *builder,
				  const struct query_metadata *metadata,
				  const struct model *query_model,
				  const struct search_query *query,
				  const struct search_result *result,
				  struct summary *summary);

/* The query alone, without neighbours: row is its row. */
const char *summary_builder_alone(struct summary_builder *builder,
				  const struct query_metadata *metadata,
				  const struct model *query_model, size_t row,
				  struct summary *summary);

/* The query and its neighbours, without profiles. */
const char *summary_builder_list(struct summary_builder *builder,
				 const struct query_metadata *metadata,
				 const struct model *query_model,
				 const struct search_query *query,
				 const struct search_result *result,
				 struct summary *summary);

/* The same without contributions: names and similarities, in O(1) each. */
const char *summary_builder_names(struct summary_builder *builder,
				  const struct query_metadata *metadata,
				  const struct model *query_model,
				  const struct search_query *query,
				  const struct search_result *result,
				  struct summary *summary);

#endif
