/* explain: the similarity of a customer who asks and one who answers, as a line
 * of neighbours.h says it: the name, the score, and the tags that contribute
 * most. */
#ifndef EXPLAIN_TOP_CONTRIBUTIONS_H
#define EXPLAIN_TOP_CONTRIBUTIONS_H

#include "model/model.h"
#include "search/exact_search.h"
#include "explain/neighbours_tsv.h"
#include "explain/contributions.h"
#include "search/sharded_model.h"

/* How many tags are named for a neighbour. */
enum { EXPLAIN_TAGS = 3 };

/* What one thread needs. */
struct explain {
	const struct shards *shards; /* whose customers answer */
	const struct reasons *reasons;
	struct side query, other;
	struct part *parts;
	size_t room; /* of parts */
};

void explain_begin(struct explain *explain, const struct shards *shards,
		   const struct reasons *reasons);
void explain_end(struct explain *explain);

/* The customer who asks: a row of a model with the same columns and components,
 * or of shards->whole.  NULL or a sentence: the row is damaged. */
const char *explain_query(struct explain *explain, const struct model *asked,
			  size_t row);

/* Set the neighbour's name and similarity, without reasons. */
const char *explain_name(const struct explain *explain, struct hit hit,
			 struct neighbour *neighbour);

/* And its reasons, in the room of EXPLAIN_TAGS that neighbour->reasons has, for
 * the query that was set last. */
const char *explain_hit(struct explain *explain, struct hit hit,
			struct neighbour *neighbour);

#endif
