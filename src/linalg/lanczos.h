/* lanczos: the largest eigenpairs of C = B^T B by block Lanczos with thick
 * restart (Wu and Simon, SIAM J. Matrix Anal. Appl. 22, 2000), blocks as in
 * Golub and Underwood (1977).
 *
 * Each new block is made orthogonal to its two predecessors, orthonormal, and
 * then orthogonal to the whole basis, again where it shrank (Giraud, Langou,
 * Rozloznik, Numer. Math. 101, 2005: twice is enough). */
#ifndef LINALG_LANCZOS_H
#define LINALG_LANCZOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linalg/gram_operator.h"

struct lanczos_options {
	size_t k;         /* wanted, at least 1 */
	double tolerance; /* of ||B^T u - s v|| / s_1 */
	uint64_t seed;
	size_t memory; /* bytes of basis kept out of scratch files */
	double floor;  /* of an eigenvalue relative to the largest:
			  below it, rounding error */
};

struct lanczos {
	size_t k;        /* as wanted */
	double *values;  /* k eigenvalues, falling */
	double *vectors; /* m x ld, a column each, then zeros; aligned */
	size_t ld;       /* k rounded up to a multiple of BLOCK_COLUMNS */
	unsigned passes; /* over the rows, added to */
	bool reached;    /* every pair is as good as was asked, as far
			    as this precision can tell */
	double worst;    /* residual, where it was not */
};

/* How many columns the basis has at most. */
size_t lanczos_limit(size_t k);

/* The kernel is one of the operator's set.  lanczos_limit(k) + BLOCK_COLUMNS
 * columns must fit in the matrix.  NULL, or an error text: LAPACK failed. */
const char *lanczos_find(struct lanczos *lanczos,
			 const struct gram_operator *op,
			 const struct block_kernel *kernel,
			 const struct lanczos_options *choices);

void lanczos_free(struct lanczos *lanczos);

#endif
