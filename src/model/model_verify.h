/* model_verify: all checks of a matrix or a model beyond those of opening it:
 * every byte of it, or its checksums beside the first search.  Errors are
 * returned as an error text; NULL is success. */
#ifndef MODEL_MODEL_VERIFY_H
#define MODEL_MODEL_VERIFY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "model/csr_matrix.h"
#include "model/model.h"

/* What a verification counts. */
struct model_verification {
	size_t sums;      /* checksums, all right */
	size_t zero_rows; /* customers whose row of the embedding is zero; in a
			     matrix, whose row of profile.values is */
};

/* Check every byte of a matrix or a model: checksums, names, rows, values
 * against raw values and weights, weights against numbers of customers, counts
 * of tenths, captured shares, options, finite numbers.  Linear in the file.
 * The error names the tensor or the row, not the file. */
const char *model_verify(const struct model *model,
			 struct model_verification *verification);

/* Whether what a matrix or a model says of all customers (tenths, quantiles of
 * pairs, residuals) is about its own: not where it was made for another model
 * (cs-matrix --as), nor in a shard. */
bool model_counts_its_own(const struct model *model);

/* The comparison of checksums of models that are about to be searched.  Those
 * of the embeddings, the largest tensors, are compared by a thread of their own
 * while the first search runs; no result may be written before
 * model_checksums_end(). */
struct model_checksums {
	struct tensor_check *checks; /* count, those of embeddings last */
	size_t count, others;        /* others: not of embeddings */
	pthread_t thread;
	bool running; /* the thread */
};

/* Compare all checksums but those of embeddings, and begin with these.  Tensors
 * whose name is in skip, which ends with NULL, are left out: they are checked
 * as they are read.  sums and the models must stay in place until
 * model_checksums_end(), which is to be called also after an error.  The error
 * names the file. */
const char *model_checksums_begin(struct model_checksums *sums,
				  const struct model *models, size_t count,
				  const char *const skip[], unsigned threads);

/* Wait for the comparison.  The error names the file.  May be called again, and
 * for one that was never begun (all zero). */
const char *model_checksums_end(struct model_checksums *sums);

#endif
