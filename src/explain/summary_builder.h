/* describe: a summary (summary.h) straight from a model and what a search found
 * there: the same, to the last digit, as cs-summarize reads from the lines of
 * cs-knn. */
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
struct describe {
	const struct shards *shards;
	struct explain explain;
	size_t *index; /* m: 1 + a tag's index in the summary at hand, or 0 */
	struct place *places;
	size_t room; /* of places */
};

void describe_begin(struct describe *describe, const struct shards *shards,
		    const struct reasons *reasons);
void describe_end(struct describe *describe);

/* Make the summary, which summary_free frees, of a query that is a row of the
 * model asked: its neighbours, their profiles, and what they share.  Where that
 * model is not shards->whole the summary's query has the empty name.  NULL or a
 * sentence: the model is damaged. */
const char *describe_query(struct describe *describe, const struct note *note,
			   const struct model *asked, const struct query *query,
			   const struct found *found, struct summary *summary);

/* Make one of the query alone, without neighbours. */
const char *describe_alone(struct describe *describe, const struct note *note,
			   const struct model *asked, size_t row,
			   struct summary *summary);

/* Make one of the query and its neighbours, without profiles: nothing is said
 * of what they share, nor of who has what. */
const char *describe_list(struct describe *describe, const struct note *note,
			  const struct model *asked, const struct query *query,
			  const struct found *found, struct summary *summary);

#endif
