/* blend: neighbours ranked anew by two similarities: that of the embeddings
 * and that of the profiles, the cosine of the rows of the matrix as weighted.
 *
 * The score is A e + (1 - A) p, of the similarity e that nearest.h gave and
 * the cosine p, in double, clamped to [-1, 1] and rounded to float.  What is
 * ranked are the BLEND_RANKED best by e, whatever the number asked for, so
 * that the first k are the same for any k. */
#ifndef EXPLAIN_RERANK_H
#define EXPLAIN_RERANK_H

#include <stddef.h>

#include "search/exact_search.h"
#include "search/sharded_model.h"

enum { BLEND_RANKED = 1000 };

struct blend {
	const struct shards *shards;
	const struct model *asked; /* whose rows ask; may be &shards->whole */
	double share;              /* A */
	size_t limit;              /* how many stay */
	double least;              /* none below; matching counts the others */
	unsigned threads;
};

/* Rank each query's hits; NULL or a sentence: a row is damaged. */
const char *blend_rank(const struct blend *blend, const struct query *queries,
		       struct found *found, size_t count);

#endif
