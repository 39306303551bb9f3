/* alignment: rotates a new embedding onto an older one, so that embeddings kept
 * elsewhere stay comparable from one model to the next.
 *
 * Orthogonal Procrustes (Golub & Van Loan, section 6.4.1; Schoenemann,
 * Psychometrika 31, 1966): R minimizes the weighted sum of |x R - y|^2 over the
 * customers of both models, x the new and y the old embedding.  The weight of
 * a customer is |x|^2 / |a|^2 * |y|^2 / |b|^2, a and b the rows of the two
 * matrices: how much of the rows the k dimensions hold.  The components V
 * become V R, so that a row times them is x R; no similarity changes. */
#ifndef LINALG_ALIGNMENT_H
#define LINALG_ALIGNMENT_H

#include "linalg/truncated_svd.h"
#include "model/csr_matrix.h"
#include "model/model.h"

/* Rotate the components of svd, the decomposition of the matrix, onto those of
 * old.  Both must be of scale US and without centring, and the rows of both
 * matrices checked.  Returns NULL, or an error text, with svd as it was: other
 * numbers of dimensions, no customer in common, LAPACK failed. */
const char *alignment_rotate(struct truncated_svd *svd,
			     const struct csr_matrix *matrix,
			     const struct model *old);

#endif
