/* truncated_svd: the truncated SVD of a sparse matrix B through C = B^T B.
 *
 * Up to GRAM_TAGS columns C is made in one pass and LAPACK finds its largest
 * eigenpairs; above that, and where rows are so long that C would cost more
 * than the passes, they come from block Lanczos, in single precision
 * where the tolerance allows, in double where it does not or where single
 * precision cannot tell. */
#ifndef LINALG_TRUNCATED_SVD_H
#define LINALG_TRUNCATED_SVD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linalg/gram_operator.h"

enum { GRAM_TAGS = 2000 };

/* What to do about a tolerance that is not reached. */
#define SVD_TOLERANCE_ADVICE                                                   \
	": give a larger --tol, fewer dimensions, or rows scaled alike "       \
	"(--norm l2)"

struct truncated_svd {
	size_t k;           /* triplets found: less than asked at rank < k */
	size_t ld;          /* k rounded up to a multiple of BLOCK_COLUMNS */
	double *sigma;      /* k, falling */
	double *components; /* m x ld, aligned to 64: right singular
			       vectors, by column, then zeros; the largest
			       loading of each is positive */
	double *gram;       /* m x m: C, where it was made, else NULL */
	unsigned passes;    /* over the rows */
};

struct svd_options {
	size_t k;         /* wanted, at least 1 */
	double tolerance; /* of ||B^T u - s v|| / s_1 */
	uint64_t seed;
	size_t memory; /* bytes of basis kept out of scratch files */
};

/* Find the k largest triplets.  NULL, or an error text (LAPACK failed, or the
 * tolerance was not reached in a bounded number of passes).  k 0 afterwards:
 * B is zero. */
const char *truncated_svd_find(struct truncated_svd *factor,
			       const struct gram_operator *op,
			       const struct svd_options *choices);

/* Whether C was made, and its rounding error is nothing beside a residual. */
bool truncated_svd_knows(const struct truncated_svd *factor,
			 const struct gram_operator *op);

/* residual[j] = ||B^T u - s v|| / s_1 of triplet j with u = B v / s.  y is
 * B^T (B V) in strips of m rows; NULL: it is made from C, which must know. */
void truncated_svd_residual(const struct truncated_svd *factor,
			    const struct gram_operator *op, const double *y,
			    double *residual);

void truncated_svd_free(struct truncated_svd *factor);

#endif
