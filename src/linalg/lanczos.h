/* lanczos: the largest eigenpairs of C = B^T B by the block Lanczos method
 * (Golub & Van Loan, section 10.3.6; Golub and Underwood, 1977) with thick
 * restart (Wu and Simon, SIAM J. Matrix Anal. Appl. 22, 2000).
 *
 * Each new block is orthogonalized against its two predecessors, made
 * orthonormal, and orthogonalized against the whole basis; the last is repeated
 * where columns shrank much (Giraud, Langou, Rozloznik, Numer. Math. 101, 2005:
 * twice is enough). */
#ifndef LINALG_LANCZOS_H
#define LINALG_LANCZOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linalg/gram_operator.h"
#include "linalg/lanczos_basis.h"

struct lanczos {
	size_t k;              /* as wanted */
	double *values;        /* k eigenvalues, descending */
	double *vectors;       /* m x ld by rows, aligned to 64 bytes: column j
				  is eigenvector j; columns from k on are 0 */
	size_t ld;             /* k rounded up to a multiple of BLOCK_COLUMNS */
	unsigned passes;       /* products with C; added to */
	bool converged;        /* every residual is within the tolerance, as far
				  as this precision can tell */
	double worst_residual; /* the largest, at the last test */
};

/* Find the k largest eigenpairs.  kernel is single_precision or
 * double_precision of the operator's set: the precision of the basis.
 * lanczos_basis_limit(k) + BLOCK_COLUMNS <= m.  Without convergence it ends
 * after a bounded number of passes, with converged false and the best pairs
 * found. Returns NULL, or an error text: LAPACK failed.  Free the result by
 * lanczos_free() in either case. */
const char *lanczos_find(struct lanczos *lanczos,
			 const struct gram_operator *gram,
			 const struct block_kernel *kernel,
			 const struct lanczos_options *options);

void lanczos_free(struct lanczos *lanczos);

#endif
