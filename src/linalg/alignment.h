/* alignment: a new embedding rotated onto an older one, so that what others
 * keep of embeddings from night to night stays comparable.
 *
 * R is the orthogonal matrix that takes the new embeddings of the customers of
 * both models nearest to the old ones, in the sum of squares weighed by how
 * much of a customer the dimensions hold (|x|^2 / |a|^2, of both multiplied):
 * orthogonal Procrustes (Schoenemann, Psychometrika 31, 1966).  V R takes the
 * place of V: rows times it are x R, and no similarity changes. */
#ifndef LINALG_ALIGNMENT_H
#define LINALG_ALIGNMENT_H

#include "linalg/truncated_svd.h"
#include "model/csr_matrix.h"
#include "model/model.h"

/* Rotate the components of factor, which were found of the matrix, onto those
 * of old.  Both are of scale US without centring.  NULL, or an error text:
 * other numbers of dimensions, no customer in common, LAPACK failed. */
const char *alignment_rotate(struct truncated_svd *factor,
			     const struct csr_matrix *matrix,
			     const struct model *old);

#endif
