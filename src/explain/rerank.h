/* rerank: neighbours ranked anew by two similarities: that of the embeddings
 * and that of the profiles, the cosine of the rows of the matrix as weighted.
 *
 * The score is A e + (1 - A) p, of the similarity e that search/exact_search.h
 * gave and the cosine p, in double, clamped to [-1, 1] and rounded to float.
 * What is ranked are the RERANK_CANDIDATES best by e, whatever the number asked
 * for, so that the first k are the same for any k. */
#ifndef EXPLAIN_RERANK_H
#define EXPLAIN_RERANK_H

#include <stddef.h>

#include "search/exact_search.h"
#include "search/sharded_model.h"

enum { RERANK_CANDIDATES = 1000 };

struct rerank {
	const struct sharded_model *shards;
	const struct model *asked; /* whose rows ask; may be &shards->whole */
	double share;              /* A */
	size_t limit;              /* how many stay */
	double least;              /* none below; matching counts the others */
	unsigned threads;
};

/* Rank each query's hits; NULL, or an error text: a row is damaged. */
const char *rerank(const struct rerank *blend,
		   const struct search_query *queries,
		   struct search_result *found, size_t count);

#endif
