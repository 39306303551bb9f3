/* decomposition_verify: holds a model's embedding, singular values, residuals
 * and quantiles of pairs against its matrix and components. */
#ifndef LINALG_DECOMPOSITION_VERIFY_H
#define LINALG_DECOMPOSITION_VERIFY_H

#include "model/model.h"

/* Check a model that model_verify passed: its embedding is its rows times its
 * components, to 1e-6 of a row's length; where it describes its own customers
 * (model_counts_its_own), the quantiles of pairs are those of the embedding,
 * and, unless cs-svd --align or --learn changed the components, singular values
 * and residuals are those of the components.  O(nnz k) time, m x k doubles of
 * memory.  Returns NULL, or an error text that names the tensor, not the
 * file. */
const char *decomposition_verify(const struct model *model, unsigned threads);

#endif
