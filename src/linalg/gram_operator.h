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

/* Rows of one shard, begin to end - 1, that one thread works on. */
struct row_range {
	const struct csr_matrix *matrix;
	size_t begin, end;
};

/* Fields are read by callers and set by gram_operator_begin().
 *
 * The rows of A may be in several shards, matrices of the same columns, and
 * these in several processes (linalg/ranks.h).  Chunks are of one shard, and
 * ||A||_F^2 is summed in the order of shards, so that results do not depend on
 * which process has which. */
struct gram_operator {
	size_t n, m, nnz;                       /* of A, in all processes */
	const struct csr_matrix *matrix;        /* A, where it is one matrix */
	const struct csr_matrix *const *shards; /* NULL: another process's */
	size_t shard_count;
	double products; /* multiplications for A^T A: c (c + 1) / 2 for a row
			    of c entries, summed over rows */
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
	size_t chunks;               /* of this process */
	struct row_range *chunk;
	const struct csr_matrix **own_shards; /* of one matrix; private */
};

/* Prepare products with the matrix, which must outlive the operator; threads
 * is at least 1.  Reads every entry once.  Returns NULL, or an error text that
 * names a row whose entries are damaged or not finite.  Call
 * gram_operator_end() in either case. */
const char *gram_operator_begin(struct gram_operator *gram,
				const struct csr_matrix *matrix,
				enum center center, unsigned threads);
void gram_operator_end(struct gram_operator *gram);

/* The same for the matrix whose rows are those of count shards one after
 * another; shards[i] is NULL where it is not this process's.  All must have m
 * columns.  Collective.  Shards, and the array, must outlive the operator. */
const char *gram_operator_begin_shards(struct gram_operator *gram,
				       const struct csr_matrix *const *shards,
				       size_t count, size_t m,
				       unsigned threads);

/* The buffers for products with blocks of one precision: a block for each
 * thread and one of 64-bit sums. */
struct gram_pass;

/* kernel is single_precision or double_precision of the operator's set; it and
 * the operator must outlive the pass.  Free it by gram_pass_end(). */
struct gram_pass *gram_pass_begin(const struct gram_operator *gram,
				  const struct block_kernel *kernel);

/* Y = B^T (B X); X and Y are blocks of m rows, in double where B is centred. Of
 * rank 0, while the others are in gram_follower_run(). */
void gram_pass_apply(struct gram_pass *pass, const void *x, void *y);

/* What a rank other than 0 does while rank 0 is in gram_pass_apply(): it adds
 * the sums of its own rows. */
void gram_pass_assist(struct gram_pass *pass);

/* What rank 0 sends to the others before it does the work of one of these, in
 * which they take part. */
enum gram_command {
	GRAM_SINGLE, /* gram_pass_apply() in single precision */
	GRAM_DOUBLE, /* in double precision */
	GRAM_MATRIX, /* gram_matrix_compute() */
	GRAM_RELEASE /* nothing more */
};

/* Free the buffers; pass may be NULL. */
void gram_pass_end(struct gram_pass *pass);

#endif
