/* transposed_matrix: A^T of a sparse matrix, as a matrix whose rows are tags,
 * and its products with dense columns. */
#ifndef LINALG_TRANSPOSED_MATRIX_H
#define LINALG_TRANSPOSED_MATRIX_H

#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"

struct transposed_matrix {
	struct csr_matrix matrix; /* m x n; indptr, indices and values alone,
				     raw is values */
	/* private: what matrix points to */
	int64_t *indptr;
	int32_t *indices;
	float *values;
};

/* A^T of a (n x m), whose rows have been checked, and n <= INT32_MAX.  O(nnz +
 * m).  Free it by transposed_matrix_free(). */
void transposed_matrix_make(struct transposed_matrix *transposed,
			    const struct csr_matrix *a);
void transposed_matrix_free(struct transposed_matrix *transposed);

/* V = A^T U; U is n x ld and V m x ld, by rows.  The bits do not depend on the
 * number of threads. */
void transposed_matrix_multiply(const struct transposed_matrix *transposed,
				size_t ld, const double *u, double *v,
				unsigned threads);

#endif
