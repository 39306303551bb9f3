/* row_removal: a matrix or a model without some of its customers; what stays
 * of the others has the bytes that it had. */
#ifndef MODEL_ROW_REMOVAL_H
#define MODEL_ROW_REMOVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "events/customer_names.h"
#include "model/model.h"

/* Set gone[i], for each of the n rows, to whether names have its customer as
 * forgotten; returns how many are. */
size_t row_removal_mark(const struct csr_matrix *matrix,
			const struct customer_names *names, bool *gone);

/* Write a model, or a matrix, that model_verify passed, without the rows that
 * are gone; some row must stay.  Rows, names and embeddings of the others are
 * copied, and so are weights, components and singular values, which the
 * customers that are gone had their part in; counts of customers by tag are
 * those that stay, unless they are another model's or those of all shards.  An
 * index is left out.  The metadata get project.version and, for a model,
 * project.model, the id of the model, and forget.model, that of the model
 * before anybody left. */
void row_removal_write(const struct model *model, const bool *gone,
		       const char *version, struct output *output);

/* Counts of customers, of one model or of all its shards. */
struct row_counts {
	int64_t *tags; /* m x TENTHS */
	int64_t all[TENTHS];
};

/* Copy the counts of a matrix; the caller frees tags. */
void row_counts_copy(struct row_counts *counts,
		     const struct csr_matrix *matrix);

/* Take the rows that are gone from the counts. */
void row_counts_subtract(struct row_counts *counts,
			 const struct csr_matrix *matrix, const bool *gone);

/* As row_removal_write, for a shard of a model, which may become empty: the
 * counts are those of all shards, and the shards' id becomes set. */
void row_removal_write_shard(const struct model *model, const bool *gone,
			     const struct row_counts *counts, const char *set,
			     const char *version, struct output *output);

#endif
