/* gram_operator: the product Y = B^T (B X) in one pass over the rows of B,
 * without forming B^T B.  B is a sparse matrix A (n x m), or A with the mean of
 * each row, or of each column, subtracted; the centred matrix is never formed.
 *
 * Threads take chunks of consecutive rows, which depend on the matrix alone.
 * The sums of a chunk are rounded to 64-bit integers in units of
 * ||A||_F^2 / 2^62 and added as integers, so that results do not depend on the
 * number of threads or the order of chunks.  No sum can overflow:
 * ||A_S^T A_S x|| <= ||A||_F^2 for any subset S of rows and any unit vector x.
 */
#ifndef LINALG_GRAM_OPERATOR_H
#define LINALG_GRAM_OPERATOR_H

#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"
#include "model/model.h"
#include "linalg/block_kernels.h"

/* Fields are read by callers and set by gram_operator_begin(). */
struct gram_operator {
	const struct csr_matrix *matrix; /* A, n x m */
	const struct block_kernel_set *set;
	unsigned threads;
	enum center center;
	double norm_squared;         /* ||A||_F^2 */
	double centred_norm_squared; /* ||B||_F^2 */
	double unit;                 /* 2^62 / norm_squared; 0 where A is 0 */
	double *row_mean;            /* m: A^T mu, mu (n) the means of rows;
					NULL without row centring */
	double row_square;           /* mu^T mu, with row centring */
	double *column_mean;         /* m; NULL without column centring */
	size_t chunks;
	size_t *chunk_begin; /* chunks + 1: the first row of each */
};

/* Prepare products with the matrix, which must outlive the operator; threads
 * is at least 1.  Reads every entry once.  Returns NULL, or an error text that
 * names a row whose entries are damaged or not finite.  Call
 * gram_operator_end() in either case. */
const char *gram_operator_begin(struct gram_operator *gram,
				const struct csr_matrix *matrix,
				enum center center, unsigned threads);
void gram_operator_end(struct gram_operator *gram);

/* The buffers for products with blocks of one precision: a block for each
 * thread and one of 64-bit sums. */
struct gram_pass;

/* kernel is single_precision or double_precision of the operator's set; it and
 * the operator must outlive the pass.  Free it by gram_pass_end(). */
struct gram_pass *gram_pass_begin(const struct gram_operator *gram,
				  const struct block_kernel *kernel);

/* Y = B^T (B X); X and Y are blocks of m rows, in double where B is centred. */
void gram_pass_apply(struct gram_pass *pass, const void *x, void *y);

/* Free the buffers; pass may be NULL. */
void gram_pass_end(struct gram_pass *pass);

#endif
