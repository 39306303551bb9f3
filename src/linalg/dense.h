/* dense: products of tall matrices and small dense decompositions; the only
 * module that calls BLAS and LAPACK.
 *
 * A tall matrix is given as an array of blocks (linalg/block_kernels.h): of
 * m rows and p BLOCK_COLUMNS columns, as p blocks of m rows.  Rows are divided
 * into pieces that depend on m alone, threads work on pieces, and the sums of
 * pieces are added in the order of pieces: results do not depend on the number
 * of threads.
 *
 * Small matrices are of doubles, by rows.  One of p BLOCK_COLUMNS rows and
 * BLOCK_COLUMNS columns is p squares, BLOCK_COLUMNS x BLOCK_COLUMNS each, one
 * below the other.
 *
 * Functions that return a text return NULL, or an error text: LAPACK failed,
 * which it does where it gets no memory for itself, or does not converge. */
#ifndef LINALG_DENSE_H
#define LINALG_DENSE_H

#include <stddef.h>

#include "linalg/block_kernels.h"

/* What the blocks of a tall matrix have in common, and how to work on them. */
struct tall_shape {
	const struct block_kernel *kernel; /* also the precision of blocks */
	unsigned threads;                  /* at least 1 */
	size_t rows;                       /* m */
};

/* Restrict BLAS to one thread: call this before any other function here.  The
 * threads are ours, and its results depend on how many it uses.  Where address
 * space or data is limited (ulimit -v, -d), and on a processor without AVX, the
 * process may be replaced by one with the same arguments (those of main; NULL:
 * it is not), in whose environment BLAS is told what to do; so call this before
 * anything is opened.  Returns NULL, or an error text: no memory is left for
 * BLAS.
 */
const char *dense_use_one_thread(char **arguments);

/* A new block, its numbers not set.  The caller frees it with free(). */
void *dense_block_alloc(const struct tall_shape *tall);

/* H = V^T Y; V is count blocks, Y one block, H count squares. */
void dense_inner_products(const struct tall_shape *tall, size_t count,
			  void *const *v, const void *y, double *h);

/* Y += sign V H; shapes as above. */
void dense_add_product(const struct tall_shape *tall, size_t count,
		       void *const *v, const double *h, double sign, void *y);

/* The first to blocks of V become V Z, in place, V being from blocks and to <=
 * from.  Z (from x to squares) is stored by its columns of squares: to
 * matrices of from squares each. */
void dense_rotate(const struct tall_shape *tall, size_t from, size_t to,
		  void *const *v, const double *z);

/* The thin QR factorization Y = Q R of a block.  Q takes the place of Y and
 * has orthonormal columns whatever the rank of Y; R (BLOCK_COLUMNS x
 * BLOCK_COLUMNS) is upper triangular.  CholeskyQR2 (Yamamoto et al., ETNA 44,
 * 2015), or Householder QR (Golub & Van Loan, section 5.2) where Y^T Y is
 * nearly singular.  rows >= BLOCK_COLUMNS.  On an error text Y and R are
 * undefined. */
const char *dense_qr(const struct tall_shape *tall, void *y, double *r);

/* Make the first k columns of V (rows x ld, in double) orthonormal to double
 * precision, given that they are nearly so: one step of CholeskyQR.  V is left
 * as it was if V^T V is not positive definite. */
void dense_reorthonormalize(size_t rows, size_t k, size_t ld, double *v);

/* Y = G X; G is n x n, Y a block of n rows in double, and rows of X
 * (BLOCK_COLUMNS columns) begin ld numbers apart. */
void dense_multiply_block(size_t n, const double *g, const double *x, size_t ld,
			  double *y);

/* C = A B, all n x n; C overlaps neither. */
void dense_multiply(size_t n, const double *a, const double *b, double *c);

/* The count largest eigenvalues of the symmetric matrix A (n x n; the upper
 * triangle is used, A is destroyed), in descending order, and orthonormal
 * eigenvectors: row i of vectors (count x n) belongs to values[i]. */
const char *dense_eigen(size_t n, double *a, size_t count, double *values,
			double *vectors);

/* A (n x n) becomes its orthogonal polar factor, the orthogonal matrix nearest
 * to it: P Q^T where A = P S Q^T (Golub & Van Loan, section 9.4.3). */
const char *dense_polar(size_t n, double *a);

/* The first k columns of V (rows x ld) become V R; R is k x k. */
void dense_multiply_right(size_t rows, size_t k, size_t ld, double *v,
			  const double *r);

#endif
