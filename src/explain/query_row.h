/* query_row: the row of a query that is no customer of the model.  It is one
 * of two things:
 *
 * - a new customer, folded into the model from tags and values: the one row
 *   that cs-matrix --as and cs-project would make;
 * - a group of customers: the mean of their vectors over their lengths, those
 *   of embeddings for METRIC_EMBEDDING and METRIC_DOT, of rows for the others.
 *   An embedding is linear in its row of the matrix, so the mean of x_s / l_s
 *   is the embedding of the mean of a_s / l_s, and contributions
 *   (explain/contributions.h) hold for it exactly. */
#ifndef EXPLAIN_QUERY_ROW_H
#define EXPLAIN_QUERY_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "linalg/projection.h"
#include "model/fold_in.h"
#include "model/model.h"
#include "search/sharded_model.h"

/* A tag by name and its value, in the events' own unit. */
struct named_tag_value {
	const char *tag;
	size_t length;
	double value;
};

/* Zero, or filled by one of the functions below.  May be copied: what model
 * points to does not move, and belongs to whichever copy is freed. */
struct query_row {
	struct model model;  /* one row; the rest is that of the model that the
				row was made for, which must outlive it */
	size_t known;        /* new customer: tags that the model has */
	const char *unknown; /* the first tag that it has not, or NULL */
	size_t customers;    /* group: customers in the mean */
	struct query_row_storage *storage; /* private */
};

/* Fill the row of a new customer with count tags, none twice; its name is
 * empty.  fold and projection are of one model.  unknown points into tags.
 * O(m k) at most for the m tags and k dimensions of the model. */
void query_row_fold_in(struct query_row *query, const struct fold_in *fold,
		       const struct projection *projection,
		       const struct named_tag_value *tags, size_t count);

/* Fill the mean of the customers whose bit is set: bit i (base/bitset.h)
 * is row i of shards->whole.  Customers whose length is zero are left out; when
 * that leaves none, customers is 0 and the model has no row of its own.
 * Returns NULL, or an error text that names a damaged row.  shards and name
 * must outlive the row. */
const char *query_row_mean(struct query_row *query,
			   const struct sharded_model *shards,
			   enum metric metric, const uint64_t *customers,
			   const char *name);

/* Free what the row holds and set it to zero; zero is allowed. */
void query_row_free(struct query_row *query);

#endif
