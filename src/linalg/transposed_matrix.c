#include "linalg/transposed_matrix.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread_pool.h"

/* Rows of V that a thread computes at a time. */
enum { PIECE = 512 };

void transposed_matrix_make(struct transposed_matrix *transposed,
			    const struct csr_matrix *a)
{
	size_t nnz = a->nnz, m = a->m;
	int64_t *indptr = alloc(m + 2, sizeof *indptr), *next = indptr + 1;
	int32_t *indices = alloc(nnz, sizeof *indices);
	float *values = alloc(nnz, sizeof *values);

	/* next[i]: first the entries of tags before i, then the place of the
	 * next entry of tag i, which is where tag i + 1 begins in the end. */
	for (size_t i = 0; i < nnz; i++)
		next[a->indices[i] + 1]++;
	for (size_t i = 0; i < m; i++)
		next[i + 1] += next[i];
	for (size_t row = 0; row < a->n; row++)
		for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++) {
			int64_t at = next[a->indices[i]]++;
			indices[at] = (int32_t)row;
			values[at] = a->values[i];
		}
	*transposed = (struct transposed_matrix){
		.matrix = {.n = m,
			   .m = a->n,
			   .nnz = nnz,
			   .indptr = indptr,
			   .indices = indices,
			   .values = values,
			   .raw = values},
		.indptr = indptr,
		.indices = indices,
		.values = values,
	};
}

void transposed_matrix_free(struct transposed_matrix *transposed)
{
	free(transposed->indptr);
	free(transposed->indices);
	free(transposed->values);
	*transposed = (struct transposed_matrix){0};
}

struct product {
	const struct csr_matrix *matrix;
	size_t ld;
	const double *u;
	double *v;
};

static void multiply_piece(void *shared, size_t piece, unsigned thread)
{
	const struct product *product = shared;
	const struct csr_matrix *matrix = product->matrix;
	size_t ld = product->ld, end = (piece + 1) * PIECE;

	(void)thread;
	for (size_t row = piece * PIECE; row < end && row < matrix->n; row++) {
		double *v = product->v + row * ld;

		memset(v, 0, ld * sizeof *v);
		for (int64_t i = matrix->indptr[row];
		     i < matrix->indptr[row + 1]; i++) {
			double value = (double)matrix->values[i];
			const double *u =
				product->u + (size_t)matrix->indices[i] * ld;
			for (size_t j = 0; j < ld; j++)
				v[j] += value * u[j];
		}
	}
}

void transposed_matrix_multiply(const struct transposed_matrix *transposed,
				size_t ld, const double *u, double *v,
				unsigned threads)
{
	struct product product = {&transposed->matrix, ld, u, v};

	thread_pool_run(threads, (product.matrix->n + PIECE - 1) / PIECE,
			multiply_piece, &product);
}
