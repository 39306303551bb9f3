/* algebra: dense products and small decompositions; the only module that
 * knows BLAS and LAPACK.  All matrices are row-major, of doubles, with their
 * row length (ld) in items.  BLAS runs one thread; tall matrices are worked on
 * in fixed panels of rows by our own threads, and what panels give is added in
 * the order of panels, so results do not depend on the number of threads. */
#ifndef ALGEBRA_H
#define ALGEBRA_H

#include <stddef.h>

/* Before any other call: one thread for BLAS. */
void algebra_begin(void);

/* H (p x b, ld p_ld = b) = V^T Y; V is rows x p with ld v_ld, Y rows x b. */
void algebra_project(unsigned threads, size_t rows, const double *v,
		     size_t v_ld, size_t p, const double *y, size_t b,
		     double *h);

/* Y -= V H, of the same shapes. */
void algebra_subtract(unsigned threads, size_t rows, const double *v,
		      size_t v_ld, size_t p, double *y, size_t b,
		      const double *h);

/* V[:, 0:q] = V[:, 0:p] Z, in place; Z is p x q with ld q, q <= p. */
void algebra_rotate(unsigned threads, size_t rows, double *v, size_t v_ld,
		    size_t p, const double *z, size_t q);

/* C (n x n) = A B, all with ld n. */
void algebra_multiply(size_t n, const double *a, const double *b, double *c);

/* Y = Q R: Q (rows x b) takes the place of Y and has orthonormal columns
 * whatever Y's rank; R (b x b) is upper triangular.  Householder (LAPACK
 * gelqf on the transpose, which is the same memory).  rows >= b. */
void algebra_qr(size_t rows, double *y, size_t b, double *r);

/* The count largest eigenvalues of the symmetric n x n matrix a (upper
 * triangle used, destroyed), falling, and their eigenvectors: row i of
 * vectors (count x n) belongs to values[i].  NULL, or a sentence. */
const char *algebra_eigen(size_t n, double *a, size_t count, double *values,
			  double *vectors);

#endif
