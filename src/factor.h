/* factor: the truncated SVD of a sparse matrix B through B^T B.
 *
 * Up to GRAM_TAGS columns the Gram matrix is made in one pass and LAPACK finds
 * its largest eigenpairs.  Above that: block Lanczos with thick restart (Wu
 * and Simon, SIAM J. Matrix Anal. Appl. 22, 2000), blocks as in Golub and
 * Underwood (1977), the new block made orthogonal to the whole basis twice
 * (Giraud, Langou, Rozloznik, Numer. Math. 101, 2005: twice is enough). */
#ifndef FACTOR_H
#define FACTOR_H

#include <stddef.h>
#include <stdint.h>

#include "operator.h"

enum { GRAM_TAGS = 2000 };

struct factor {
	size_t k;		/* triplets found: less than asked at rank < k */
	double *sigma;		/* k, falling */
	double *components;	/* m x k: right singular vectors, by column;
				   the largest loading of each is positive */
	unsigned passes;	/* over the rows */
};

struct factor_choices {
	size_t k;		/* wanted, at least 1 */
	double tolerance;	/* of ||B^T u - s v|| / s_1 */
	uint64_t seed;
	size_t memory;		/* bytes of basis kept out of scratch files */
};

/* Find the k largest triplets.  NULL, or a sentence (LAPACK failed, or the
 * tolerance was not reached in a bounded number of passes).  k 0 afterwards:
 * B is zero. */
const char *factor_find(struct factor *factor, const struct operator *operator,
			const struct factor_choices *choices);

void factor_free(struct factor *factor);

#endif
