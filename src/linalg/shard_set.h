/* shard_set: matrices of shards that cs-matrix made of one tally, as one matrix
 * whose rows follow each other in the order of the shards.
 *
 * Rank r of R (linalg/ranks.h) has shards r, r + R, r + 2 R and so on open. All
 * functions are collective. */
#ifndef LINALG_SHARD_SET_H
#define LINALG_SHARD_SET_H

#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"
#include "model/model.h"

struct shard {
	const char *path;
	size_t first, n;     /* rows: of earlier shards; of this */
	struct model matrix; /* zero where another rank has it */
};

struct shard_set {
	struct shard *shards;               /* count */
	size_t count, n, m;                 /* n: rows of all */
	const struct csr_matrix **matrices; /* count; NULL: another rank's */
	uint64_t content; /* XXH3 of what the shards' bytes are */
};

/* Open and check the shards; paths must stay.  All must be of one tally and
 * have its customers all, each in one shard.  NULL or an error text that names
 * the file; to be closed in both cases. */
const char *shard_set_open(struct shard_set *set, char *const *paths,
			   size_t count, unsigned threads);

void shard_set_close(struct shard_set *set);

#endif
