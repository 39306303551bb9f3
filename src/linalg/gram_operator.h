/* gram_operator: Y = B^T (B X) in one streaming pass over the rows of a sparse
 * matrix B (A, perhaps centred), by threads over fixed chunks of rows.
 *
 * What a chunk gives is rounded to 64-bit integers in units of a fixed share
 * of ||A||_F^2 and added up so: the sums are the same for any number of
 * threads and any order of chunks.  ||A_S^T A_S x|| <= ||A||_F^2 for any rows
 * S and unit x, so with 2^62 units in ||A||_F^2 nothing can overflow. */
#ifndef LINALG_GRAM_OPERATOR_H
#define LINALG_GRAM_OPERATOR_H

#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"
#include "model/model.h"
#include "linalg/block_kernels.h"

struct gram_operator {
	const struct csr_matrix *matrix;
	const struct block_kernel_set *set;
	unsigned threads;
	enum center center;
	double energy;       /* ||A||_F^2, before centring */
	double centred;      /* ||B||_F^2 */
	double unit;         /* 2^62 / energy, 0 where A is zero */
	double *row_mean;    /* NULL; or m: A^T mu, mu the rows' means */
	double row_square;   /* mu^T mu */
	double *column_mean; /* NULL; or m */
	size_t chunks;
	size_t *chunk_begin; /* chunks + 1: rows */
};

/* Look at every row and value once: an error text names a row that is damaged
 * or not finite.  The matrix must outlive the operator. */
const char *gram_operator_begin(struct gram_operator *op,
				const struct csr_matrix *matrix,
				enum center center, unsigned threads);
void gram_operator_end(struct gram_operator *op);

/* Room for products with strips of one precision. */
struct gram_pass;

/* kernel is one of the operator's set. */
struct gram_pass *gram_pass_begin(const struct gram_operator *op,
				  const struct block_kernel *kernel);

/* Y = B^T (B X), strips of m rows; what is centred is so in double. */
void gram_pass_apply(struct gram_pass *pass, const void *x, void *y);

void gram_pass_end(struct gram_pass *pass);

#endif
