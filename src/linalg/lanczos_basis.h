/* lanczos_basis: the orthonormal basis V of the block Lanczos method for
 * C = B^T B, the matrix T = V^T C V, and their Ritz pairs (linalg/lanczos.h has
 * the sources).
 *
 * V is an array of blocks (linalg/block_kernels.h) of m rows.  With V the
 * blocks in use and Q the next one, C V = V T + Q R E^T, where R is upper
 * triangular and E^T selects the newest block of V. */
#ifndef LINALG_LANCZOS_BASIS_H
#define LINALG_LANCZOS_BASIS_H

#include <stddef.h>
#include <stdint.h>

#include "linalg/dense.h"
#include "linalg/gram_operator.h"

struct lanczos_options {
	size_t k;              /* eigenpairs wanted, at least 1 */
	double tolerance;      /* of ||B^T u - s v|| / s_1, where s^2 is the
				  eigenvalue, v its vector, u = B v / s */
	uint64_t seed;         /* of the starting block */
	size_t memory;         /* bytes of the basis that are kept in memory;
				  the rest is in a temporary file */
	double rank_tolerance; /* eigenvalues below this share of the
				  largest are rounding error */
};

struct lanczos_basis {
	struct tall_shape tall;
	struct gram_pass *pass;
	size_t k;               /* eigenpairs wanted */
	double rank_tolerance;  /* as in struct lanczos_options */
	uint64_t seed, drawn;   /* rows of signs drawn with the seed so far */
	size_t limit;           /* blocks at most, without the next one */
	size_t used;            /* blocks of V */
	size_t first_coupled;   /* the first block that C times the newest one
				   may have a component in */
	void **blocks;          /* limit + 1; blocks[used] is the next one */
	size_t in_memory;       /* so many of them; the others in a file */
	void *map;              /* of that file */
	size_t mapped;          /* its bytes */
	double *t;              /* T; limit x limit squares, by rows */
	double *h;              /* one column of squares of T */
	double r[BLOCK_SQUARE]; /* R */
	double *values;         /* Ritz values, descending */
	double *vectors;        /* their vectors by row, in terms of V */
};

/* How many columns the basis has at most when k eigenpairs are wanted. */
size_t lanczos_basis_limit(size_t k);

/* Begin with a random block as the next one, and none in use.  Returns NULL, or
 * an error text: no room for a temporary file, or LAPACK failed.  Call
 * lanczos_basis_end() in either case. */
const char *lanczos_basis_begin(struct lanczos_basis *s,
				const struct gram_operator *gram,
				const struct block_kernel *kernel,
				const struct lanczos_options *options);
void lanczos_basis_end(struct lanczos_basis *s);

/* Put the next block in use and compute the one after it: one product with C.
 * used < limit before.  Returns NULL, or an error text: LAPACK failed. */
const char *lanczos_basis_expand(struct lanczos_basis *s);

/* Compute the count largest Ritz pairs, into values and vectors.  Returns NULL,
 * or an error text: LAPACK failed. */
const char *lanczos_basis_solve(struct lanczos_basis *s, size_t count);

/* The largest residual ||B^T u - s v|| / s_1 of the first count Ritz pairs
 * whose value is above the rank tolerance. */
double lanczos_basis_residual(const struct lanczos_basis *s, size_t count);

/* V becomes the count largest Ritz vectors, the last block filled up with
 * zeros.  T is not updated. */
void lanczos_basis_rotate(struct lanczos_basis *s, size_t count);

/* Thick restart: continue from the count largest Ritz vectors and the next
 * block. */
void lanczos_basis_restart(struct lanczos_basis *s, size_t count);

/* Continue from the k largest Ritz vectors and a new random block, orthogonal
 * to them.  Returns NULL, or an error text: LAPACK failed. */
const char *lanczos_basis_restart_randomly(struct lanczos_basis *s);

#endif
