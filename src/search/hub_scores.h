/* hub_scores: how near a customer's own neighbours are to it, and searches that
 * take half of that off, so that customers who are near to very many (hubs)
 * come up less often.
 *
 * Let r(y) be the mean similarity of y to its HUB_NEAREST nearest. Searches
 * order by s(q, y) - r(y) / 2. The half of r(q) that cross-domain similarity
 * local scaling takes off besides is the same for all y (CSLS: Conneau et al.,
 * ICLR 2018).  The similarity that is reported stays s. */
#ifndef SEARCH_HUB_SCORES_H
#define SEARCH_HUB_SCORES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "model/model.h"
#include "search/search_query.h"
#include "search/sharded_model.h"

enum { HUB_NEAREST = 10 };

/* Of a model, by one similarity. */
struct hub_scores {
	enum metric metric;
	double alpha;       /* of METRIC_COMBINED */
	const float *means; /* n: r of each row; 0 for a zero vector */
	double minimum;     /* of these */
};

/* Set means[0..n): of fewer than HUB_NEAREST neighbours where there are fewer.
 * metric and alpha of scores are set; the rest becomes so.  NULL or an error
 * text: a row is damaged.  Takes as long as a search for all n customers; adds
 * n to the progress. */
const char *hub_scores_find(struct hub_scores *scores,
			    const struct model *model, unsigned threads,
			    float *means);

/* The tensor that cs-index writes, and what it is of, in the metadata. */
struct tensor hub_scores_tensor(size_t n);
void hub_scores_describe(const struct hub_scores *scores, json_t *metadata);

/* True where a model has them. */
bool hub_scores_exist(const struct model *model);

/* View those of a model.  NULL or an error text: it has none, or they are
 * damaged. */
const char *hub_scores_view(struct hub_scores *scores,
			    const struct model *model);

/* As sharded_search_run for a model of one file, but the results are those with
 * the largest s - r / 2, in that order, then by row.  search->metric and alpha
 * are those of the scores; search->min_score is -INFINITY.  Searches for more
 * and more neighbours by s, until no other can be among the results. */
const char *hub_search_run(const struct sharded_model *shards,
			   const struct hub_scores *scores,
			   const struct search_options *search,
			   struct search_batch *batch);

#endif
