/* truncated_svd: the k largest singular triplets of a sparse matrix B (n x m),
 * from the eigenpairs of C = B^T B: B v = s u, B^T u = s v, C v = s^2 v.
 *
 * For at most GRAM_MAX_COLUMNS columns, C is formed in one pass and LAPACK
 * finds its largest eigenpairs.  For more columns, and where rows are so long
 * that forming C costs more than iterating, they come from the block Lanczos
 * method: in single precision where the tolerance allows, else, or where single
 * precision is found not to suffice, in double.
 *
 * Where B is one matrix without centring and has at least twice as many columns
 * as rows, the eigenpairs are those of B B^T, u, and v = B^T u / s: the vectors
 * of the iteration are shorter. */
#ifndef LINALG_TRUNCATED_SVD_H
#define LINALG_TRUNCATED_SVD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linalg/gram_operator.h"

enum { GRAM_MAX_COLUMNS = 2000 };

/* The end of messages about a tolerance that is not reached. */
#define SVD_TOLERANCE_ADVICE                                                   \
	": give a larger --tol, fewer dimensions, or rows scaled alike "       \
	"(--norm l2)"

struct truncated_svd {
	size_t k;           /* triplets found: fewer than asked at rank < k */
	size_t ld;          /* k rounded up to a multiple of BLOCK_COLUMNS */
	double *sigma;      /* k singular values, descending */
	double *components; /* m x ld by rows, aligned to 64 bytes: column j is
			       right singular vector j, its element of largest
			       magnitude positive; columns from k on are 0 */
	double *gram;       /* C (m x m) where it was formed, else NULL */
	unsigned passes;    /* over the rows */
};

struct svd_options {
	size_t k;         /* triplets wanted, at least 1 */
	double tolerance; /* of ||B^T u - s v|| / s_1 */
	uint64_t seed;    /* of the starting block */
	size_t memory;    /* bytes of the Lanczos basis that are kept in
			     memory; the rest is in a temporary file */
};

/* Find the k largest triplets of the operator's matrix.  k is 0 afterwards if B
 * is zero up to rounding.  Returns NULL, or an error text: LAPACK failed, or
 * the tolerance was not reached in a bounded number of passes.  Free the result
 * by truncated_svd_free() in either case. */
const char *truncated_svd_find(struct truncated_svd *svd,
			       const struct gram_operator *gram,
			       const struct svd_options *options);

/* Whether C was formed and its rounding error is negligible beside a residual
 * of 1e-12: if so, residuals can be computed from C.  svd->k >= 1. */
bool truncated_svd_gram_is_accurate(const struct truncated_svd *svd,
				    const struct gram_operator *gram);

/* Set residual (k) as residuals_find() does.  y is as there, or NULL where
 * truncated_svd_gram_is_accurate(). */
void truncated_svd_residual(const struct truncated_svd *svd,
			    const struct gram_operator *gram, const double *y,
			    double *residual);

/* NULL, or an error text that names the first triplet whose residual is above
 * the tolerance. */
const char *truncated_svd_check_residuals(const struct truncated_svd *svd,
					  const double *residual,
					  double tolerance);

void truncated_svd_free(struct truncated_svd *svd);

#endif
