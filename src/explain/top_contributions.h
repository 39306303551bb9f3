/* top_contributions: a neighbour as a line of explain/neighbours_tsv.h says it:
 * name, similarity, and the TOP_CONTRIBUTIONS tags that contribute most to it
 * (explain/contributions.h). */
#ifndef EXPLAIN_TOP_CONTRIBUTIONS_H
#define EXPLAIN_TOP_CONTRIBUTIONS_H

#include "explain/contributions.h"
#include "explain/neighbours_tsv.h"
#include "model/model.h"
#include "search/exact_search.h"
#include "search/sharded_model.h"

/* How many tags are named for a neighbour. */
enum { TOP_CONTRIBUTIONS = 3 };

/* One for each thread; the query that was set last, and room to work. */
struct top_contributions {
	const struct sharded_model *shards; /* whose customers are neighbours */
	const struct contributions *contributions;
	struct contribution_side query, other;
	struct contribution *parts;
	size_t room; /* of parts */
};

/* shards and contributions, which are of shards->whole, must outlive it. */
void top_contributions_begin(struct top_contributions *top,
			     const struct sharded_model *shards,
			     const struct contributions *contributions);
void top_contributions_end(struct top_contributions *top);

/* Set the query: a row of shards->whole, or of another model with the same
 * columns and components.  NULL, or an error text: the row is damaged. */
const char *top_contributions_query(struct top_contributions *top,
				    const struct model *query_model,
				    size_t row);

/* Have the processor load what top_contributions_hit will read of these hits,
 * whose rows are anywhere in the model, but for their names. */
void top_contributions_prefetch(const struct top_contributions *top,
				const struct hit *hits, size_t count);

/* Set the neighbour's name and similarity, without contributions; the name
 * points into the model.  NULL, or an error text: the model is damaged. */
const char *top_contributions_name(const struct top_contributions *top,
				   struct hit hit, struct neighbour *neighbour);

/* The same with contributions, largest first, in neighbour->reasons, which has
 * room for TOP_CONTRIBUTIONS. */
const char *top_contributions_hit(struct top_contributions *top, struct hit hit,
				  struct neighbour *neighbour);

#endif
