/* operator: Y = B^T (B X) in one streaming pass over the rows of a sparse
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

struct op {
	const struct matrix *matrix;
	const struct strip_set *set;
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

/* Look at every row and value once: a sentence names a row that is damaged or
 * not finite.  The matrix must outlive the operator. */
const char *operator_begin(struct op *op, const struct matrix *matrix,
			   enum center center, unsigned threads);
void operator_end(struct op *op);

/* Room for products with strips of one precision. */
struct pass;

/* kernel is one of the operator's set. */
struct pass *pass_begin(const struct op *op, const struct strip_kernel *kernel);

/* Y = B^T (B X), strips of m rows; what is centred is so in double. */
void pass_apply(struct pass *pass, const void *x, void *y);

void pass_end(struct pass *pass);

#endif
