/* shard_models: the models of all shards of a factorization, in a directory
 * that appears whole.
 *
 * Model i is DIRECTORY/i.bin (of as many digits as the last one).  Its metadata
 * have shard.index, shard.count and shard.set, an id that is the same in all.
 * The file manifest.json, written last, lists them. */
#ifndef LINALG_SHARD_MODELS_H
#define LINALG_SHARD_MODELS_H

#include <jansson.h>

#include "linalg/gram_operator.h"
#include "linalg/shard_set.h"
#include "linalg/truncated_svd.h"
#include "model/model.h"

struct shard_models {
	const struct shard_set *set;
	const struct gram_operator *gram;
	struct truncated_svd *svd; /* of rank 0; others are given it */
	const json_t *metadata;    /* added to that of each matrix */
	const char *directory;
	enum scale scale;
	double tolerance; /* of residuals */
	unsigned threads;
	double *residual; /* k: set, to be freed by the caller */
};

/* Share the triplets, project all shards, find the residuals and write the
 * models.  Collective.  NULL or an error text: a residual is above the
 * tolerance.  Ends the process where a write fails. */
const char *shard_models_write(struct shard_models *models);

#endif
