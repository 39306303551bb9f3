/* top_contributions: the similarity of a customer who asks and one who answers,
 * as a line of explain/neighbours_tsv.h says it: the name, the score, and the
 * tags that contribute most. */
#ifndef EXPLAIN_TOP_CONTRIBUTIONS_H
#define EXPLAIN_TOP_CONTRIBUTIONS_H

#include "model/model.h"
#include "search/exact_search.h"
#include "explain/neighbours_tsv.h"
#include "explain/contributions.h"
#include "search/sharded_model.h"

/* How many tags are named for a neighbour. */
enum { TOP_CONTRIBUTIONS = 3 };

/* What one thread needs. */
struct top_contributions {
	const struct sharded_model *shards; /* whose customers answer */
	const struct contributions *reasons;
	struct side query, other;
	struct contribution *parts;
	size_t room; /* of parts */
};

void top_contributions_begin(struct top_contributions *explain,
			     const struct sharded_model *shards,
			     const struct contributions *reasons);
void top_contributions_end(struct top_contributions *explain);

/* The customer who asks: a row of a model with the same columns and components,
 * or of shards->whole.  NULL or a error_text: the row is damaged. */
const char *top_contributions_query(struct top_contributions *explain,
				    const struct model *asked, size_t row);

/* Set the neighbour's name and similarity, without reasons. */
const char *top_contributions_name(const struct top_contributions *explain,
				   struct hit hit, struct neighbour *neighbour);

/* And its reasons, in the room of TOP_CONTRIBUTIONS that neighbour->reasons
 * has, for the query that was set last. */
const char *top_contributions_hit(struct top_contributions *explain,
				  struct hit hit, struct neighbour *neighbour);

#endif
