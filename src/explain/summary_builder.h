/* summary_builder: a summary (explain/enrichment.h) straight from a model and
 * what a search found there: the same, to the last digit, as cs-summarize reads
 * from the lines of cs-knn. */
#ifndef EXPLAIN_SUMMARY_BUILDER_H
#define EXPLAIN_SUMMARY_BUILDER_H

#include "explain/top_contributions.h"
#include "model/model.h"
#include "search/exact_search.h"
#include "explain/neighbours_metadata.h"
#include "explain/contributions.h"
#include "search/sharded_model.h"
#include "explain/enrichment.h"

/* What one thread needs. */
struct summary_builder {
	const struct sharded_model *shards;
	struct top_contributions explain;
	size_t *index; /* m: 1 + a tag's index in the summary at hand, or 0 */
	struct place *places;
	size_t room; /* of places */
};

void summary_builder_begin(struct summary_builder *describe,
			   const struct sharded_model *shards,
			   const struct contributions *reasons);
void summary_builder_end(struct summary_builder *describe);

/* Make the summary, which summary_free frees, of a query that is a row of the
 * model asked: its neighbours, their profiles, and what they share.  Where that
 * model is not shards->whole the summary's query has the empty name.  NULL or a
 * error_text: the model is damaged. */
const char *summary_builder_query(struct summary_builder *describe,
				  const struct query_metadata *note,
				  const struct model *asked,
				  const struct search_query *query,
				  const struct search_result *found,
				  struct summary *summary);

/* Make one of the query alone, without neighbours. */
const char *summary_builder_alone(struct summary_builder *describe,
				  const struct query_metadata *note,
				  const struct model *asked, size_t row,
				  struct summary *summary);

/* Make one of the query and its neighbours, without profiles: nothing is said
 * of what they share, nor of who has what. */
const char *summary_builder_list(struct summary_builder *describe,
				 const struct query_metadata *note,
				 const struct model *asked,
				 const struct search_query *query,
				 const struct search_result *found,
				 struct summary *summary);

#endif
