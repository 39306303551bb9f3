/* dense: products of tall matrices and small decompositions; the only module
 * that knows LAPACK.
 *
 * A tall matrix is a list of strips (linalg/block_kernels.h) of the same number
 * of rows.  Its rows are cut into pieces that depend on their number alone,
 * worked on by threads, and what pieces give is added in their order: results
 * do not depend on the number of threads.  Small matrices are row-major, of
 * doubles; a matrix of p strips by one strip is p blocks of BLOCK_COLUMNS x
 * BLOCK_COLUMNS, one below the other. */
#ifndef LINALG_DENSE_H
#define LINALG_DENSE_H

#include <stddef.h>

#include "linalg/block_kernels.h"

/* Who works on strips, and what they are. */
struct tall_matrix {
	const struct block_kernel *kernel;
	unsigned threads;
	size_t rows;
};

/* Before any other call: one thread for BLAS. */
void dense_begin(void);

/* A strip, its items not set; free() it. */
void *dense_strip(const struct tall_matrix *tall);

/* H = V^T Y; V is count strips, Y one. */
void dense_project(const struct tall_matrix *tall, size_t count, void *const *v,
		   const void *y, double *h);

/* Y += sign V H, of the same shapes. */
void dense_combine(const struct tall_matrix *tall, size_t count, void *const *v,
		   const double *h, double sign, void *y);

/* V[0..to) = V[0..from) Z, in place, to <= from; Z is to matrices of from
 * blocks. */
void dense_rotate(const struct tall_matrix *tall, size_t from, size_t to,
		  void *const *v, const double *z);

/* Y = Q R: Q takes the place of Y and has orthonormal columns whatever Y's
 * rank, R (BLOCK_COLUMNS x BLOCK_COLUMNS) is upper triangular.  Cholesky's
 * factor of Y^T Y, twice (Yamamoto et al., ETNA 44, 2015), or where Y is near a
 * lower rank Householder's.  rows >= BLOCK_COLUMNS. */
void dense_qr(const struct tall_matrix *tall, void *y, double *r);

/* Make the first k columns of V (rows x ld) orthonormal; they nearly are. */
void dense_polish(size_t rows, size_t k, size_t ld, double *v);

/* Y (a strip of n rows) = G X: G is n x n, rows of X begin ld items apart. */
void dense_apply(size_t n, const double *g, const double *x, size_t ld,
		 double *y);

/* C (n x n) = A B */
void dense_multiply(size_t n, const double *a, const double *b, double *c);

/* The count largest eigenvalues of the symmetric n x n matrix a (upper
 * triangle used, destroyed), falling, and their eigenvectors: row i of
 * vectors (count x n) belongs to values[i].  NULL, or an error text. */
const char *dense_eigen(size_t n, double *a, size_t count, double *values,
			double *vectors);

/* A (n x n) becomes the orthogonal matrix nearest to it: P Q^T where A is
 * P S Q^T.  NULL, or an error text. */
const char *dense_polar(size_t n, double *a);

/* The first k columns of V (rows x ld) become V R; R is k x k. */
void dense_multiply_right(size_t rows, size_t k, size_t ld, double *v,
			  const double *r);

#endif
