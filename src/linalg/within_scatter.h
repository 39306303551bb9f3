/* within_scatter: weighs the dimensions of a model by how alike two halves of
 * one customer are in them.
 *
 * y1 and y2 being the embeddings of a customer's rows of two halves of the
 * events, both rows of length 1, S is the mean of (y1 - y2)^T (y1 - y2) / 2
 * over the customers of both, the scatter within customers, and W = (1 - s) S +
 * s tr(S) / k I.  The components V become V T with T = W^-1/2 divided by its
 * largest singular value.
 *
 * This is the within-class part of probabilistic linear discriminant analysis
 * (Ioffe, ECCV 2006), or within-class covariance normalization (Hatch,
 * Kajarekar and Stolcke, Interspeech 2006).  The embedding stays linear in the
 * row, and since |x T| <= |x| the combined similarity (search/combined_score.h)
 * stays a cosine: what the weighted dimensions do not hold is compared by tags.
 */
#ifndef LINALG_WITHIN_SCATTER_H
#define LINALG_WITHIN_SCATTER_H

#include "linalg/truncated_svd.h"
#include "model/csr_matrix.h"

/* Weigh the dimensions of svd, of scale US and without centring, by two
 * matrices of its columns, whose rows are checked.  Returns NULL, or an error
 * text, with svd as it was: fewer than two customers are in both, their halves
 * do not differ, LAPACK failed. */
const char *within_scatter_weigh(struct truncated_svd *svd,
				 const struct csr_matrix *first,
				 const struct csr_matrix *second);

#endif
