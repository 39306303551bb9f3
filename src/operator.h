/* operator: one streaming pass over the rows of a sparse matrix B (A, perhaps
 * centred), by threads over fixed chunks of rows.
 *
 * What chunks give is added up as 64-bit integers in units of a fixed share
 * of ||A||_F^2, so that sums are the same for any threads and any order:
 * ||A_S x|| <= ||A||_F for rows S and unit x, so with 2^62 units in ||A||_F^2
 * nothing can overflow. */
#ifndef OPERATOR_H
#define OPERATOR_H

#include <stddef.h>
#include <stdint.h>

#include "matrix.h"
#include "model.h"

struct operator {
	const struct matrix *matrix;
	unsigned threads;
	enum center center;
	double energy;		/* ||A||_F^2, before centring */
	double centred;		/* ||B||_F^2 */
	double unit;		/* 2^62 / energy, 0 where A is zero */
	double *row_mean;	/* NULL; or m: A^T mu, mu the rows' means */
	double row_square;	/* mu^T mu */
	double *column_mean;	/* NULL; or m */
	size_t chunks;
	size_t *chunk_begin;	/* chunks + 1: rows */
};

/* Look at every row and value once: a sentence names a row that is damaged or
 * not finite.  The matrix must outlive the operator. */
const char *operator_begin(struct operator *operator,
			   const struct matrix *matrix, enum center center,
			   unsigned threads);

/* G (m x m, all of it) = B^T B. */
void operator_gram(const struct operator *operator, double *gram);

/* Y = B^T (B X); X is m x b with ld x_ld, Y is m x b; both row-major. */
void operator_apply(const struct operator *operator, const double *x,
		    size_t x_ld, size_t b, double *y);

/* One row times V (m x k): t = b_i^T V, k numbers.  ones is 1^T V and shift is
 * column_mean^T V, both k, for centring; else unused. */
void operator_row(const struct operator *operator, size_t row, const double *v,
		  size_t k, const double *ones, const double *shift,
		  double *t);

/* The last pass: t = b_i^T V for each row, handed chunk by chunk and in order
 * to take(context, first row, rows, t), t being rows x k doubles; then
 * Y = B^T (B V), which is m x k. */
void operator_last(const struct operator *operator, const double *v, size_t k,
		   void (*take)(void *context, size_t first, size_t rows,
				const double *t),
		   void *context, double *y);

void operator_end(struct operator *operator);

#endif
