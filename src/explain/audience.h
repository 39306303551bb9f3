/* audience: a group of customers as one who asks: the mean of their unit
 * vectors, and the profile whose embedding that is.
 *
 * An embedding is linear in its row of the matrix, so the mean of x_s / |x_s|
 * is that of the row  sum of a_s / |x_s|  divided by how many there are, and
 * reasons (explain/contributions.h) hold for it exactly. */
#ifndef EXPLAIN_AUDIENCE_H
#define EXPLAIN_AUDIENCE_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "search/sharded_model.h"

struct audience {
	struct model model; /* one row, named by the caller; the rest is that
			       of the model it was made of */
	size_t seeds;       /* customers with signal it is the mean of */
	/* private: what the row is stored in */
	int64_t bounds[2], texts[2];
	int32_t *indices;
	float *values, *raw, *embedding;
	unsigned char tenth;
};

/* The mean of the customers whose bit is set: whole's row i is bit i % 64 of
 * word i / 64.  NULL or a error_text that names a damaged row; seeds 0: none of
 * them has signal.  shards and name must outlive the audience. */
const char *audience_make(struct audience *audience,
			  const struct sharded_model *shards,
			  const uint64_t *seeds, const char *name);

void audience_free(struct audience *audience);

#endif
