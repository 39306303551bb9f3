/* neighbour_search: the neighbours of rows of a model, or of other queries with
 * the same components, over all shards. */
#ifndef EXPLAIN_NEIGHBOUR_SEARCH_H
#define EXPLAIN_NEIGHBOUR_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "search/hub_scores.h"
#include "search/search_query.h"
#include "search/sharded_model.h"
#include "search/sharded_search.h"

/* Set by the caller; everything is borrowed. */
struct neighbour_search {
	const struct sharded_model *shards;
	const struct model *query_model; /* whose rows are the queries:
				      &shards->whole, or another model */
	bool group; /* the query is the mean of a group, no customer */
	enum metric metric;
	size_t count;            /* neighbours of each query */
	double min_score;        /* none below; -INFINITY: all */
	double alpha;            /* of METRIC_COMBINED */
	const uint64_t *allowed; /* as in struct search_options */
	bool with_self;          /* a query may be its own neighbour */
	bool count_matching;     /* as in struct search_options */
	bool count_tied;         /* set search_result.tied, which takes one more
				    search where a list ends within a tie */
	const struct hub_scores *hub; /* of this similarity: take half of them
					 off (search/hub_scores.h), and count
					 no ties; or NULL */
	unsigned threads;
};

/* Open a model whose rows are to be queries: all of its bytes are verified, its
 * components must be those of model, and its embedding finite.  Returns NULL,
 * or an error text that names the file; model_close is due either way. */
const char *neighbour_search_open(struct model *queries, const char *path,
				  const struct model *model, unsigned threads);

/* How many queries in one call keep their results within about 512 MB. */
size_t neighbour_search_batch(const struct neighbour_search *search);

/* Set query to a row of query_model.  A row of another model that has the name
 * of a customer is that customer, and is left out of its results.  With
 * with_self it may be among them, and is taken for the same only if their rows
 * and vectors are equal.  Returns NULL, or an error text: a row is damaged. */
const char *neighbour_search_query(const struct neighbour_search *search,
				   size_t row, struct search_query *query);

/* Answer the queries of a batch; results are as those of sharded_search_run,
 * without hits of score 0 where min_score is -INFINITY.  Returns NULL, or an
 * error text; then there is nothing to free. */
const char *neighbour_search_run(const struct neighbour_search *search,
				 struct search_batch *batch);

/* Reduce the hits of a query, found by an exact search of shards with the
 * options exact and a limit above limit > 0, to that, and set result->tied. One
 * more search counts where all hits beyond limit are tied with the last one
 * kept.  Returns NULL, or an error text; the hits are the caller's to free in
 * any case. */
const char *neighbour_search_count_tied(const struct sharded_model *shards,
					struct search_options exact,
					size_t limit,
					const struct search_query *query,
					struct search_result *result);

#endif
