/* svd_model: a model made of the factorization of one matrix, and written as it
 * is computed, chunk by chunk: what stays in memory does not grow with the
 * customers (linalg/shard_models.h: of several shards). */
#ifndef LINALG_SVD_MODEL_H
#define LINALG_SVD_MODEL_H

#include <jansson.h>

#include "base/io.h"
#include "linalg/gram_operator.h"
#include "linalg/truncated_svd.h"
#include "model/csr_matrix.h"
#include "model/model.h"

/* All but residual is the caller's, and borrowed. */
struct svd_model {
	const struct model *matrix; /* what was factorized */
	const struct gram_operator *gram;
	struct truncated_svd *svd; /* k at least 1 */
	const json_t *metadata;    /* added to that of the matrix */
	enum scale scale;
	enum center center;
	double tolerance; /* of residuals */
	unsigned threads;
	double *residual; /* k: NULL at first; set, to be freed */
};

/* Weigh the dimensions by two halves of the events of the customers
 * (linalg/within_scatter.h); residuals are found first: those of the triplets
 * before.  Before svd_model_align.  Returns NULL, or an error text. */
const char *svd_model_weigh(struct svd_model *model,
			    const struct csr_matrix *half_a,
			    const struct csr_matrix *half_b);

/* Rotate the components onto those of an older model (linalg/alignment.h), once
 * residuals are found, where they are not.  Before svd_model_write.
 * Returns NULL, or an error text about the older model. */
const char *svd_model_align(struct svd_model *model, const struct model *old);

/* Write the model, find the residuals on the way, and check them against the
 * tolerance.  Returns NULL, or an error text: a residual is above it; then the
 * output is not whole.  Ends the process where the output cannot be written;
 * does not close it. */
const char *svd_model_write(struct svd_model *model, struct output *output);

#endif
