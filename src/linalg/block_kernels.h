/* block_kernels: the inner loops of the singular value decomposition, for
 * AVX-512, for AVX2, for NEON and in plain C.  The plain loops are the
 * reference that the others are tested against.
 *
 * A block is an m x BLOCK_COLUMNS matrix stored by rows, aligned to 64 bytes,
 * of float or double: in single precision one row is one cache line.  The
 * kernels of one precision agree up to rounding, and each of them returns the
 * same bits in every call. */
#ifndef LINALG_BLOCK_KERNELS_H
#define LINALG_BLOCK_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"

/* The columns of a block, and the elements of a square of so many rows. */
enum { BLOCK_COLUMNS = 16, BLOCK_SQUARE = BLOCK_COLUMNS * BLOCK_COLUMNS };

/* The kernels of one precision; void stands for float or double.  Leading
 * dimensions (v_ld, y_ld: from one row to the next) are in numbers. */
struct block_kernel {
	const char *name;
	size_t item; /* bytes of a number */

	/* Y += A^T (A X) for the rows first to last - 1 of A (n x m), row by
	 * row: t = a_i^T X, Y += a_i t^T.  X and Y are blocks of m rows.
	 * prefetch: fetch rows of X and Y ahead of their use, for blocks that
	 * exceed the cache. */
	void (*apply)(const struct csr_matrix *a, size_t first, size_t last,
		      const void *x, void *y, bool prefetch);

	/* sums[i] += round(part[i] * unit), ties to even; part[i] = 0.  For i
	 * below count, a multiple of BLOCK_COLUMNS. */
	void (*accumulate)(void *part, int64_t *sums, size_t count,
			   double unit);

	/* H (BLOCK_COLUMNS x BLOCK_COLUMNS) += V^T Y, V and Y rows x
	 * BLOCK_COLUMNS; H is double in either precision. */
	void (*inner_products)(size_t rows, const void *v, size_t v_ld,
			       const void *y, size_t y_ld, double *h);

	/* H += Y^T Y, summed in double in either precision. */
	void (*self_inner_products)(size_t rows, const void *y, size_t y_ld,
				    double *h);

	/* Y += V_0 H_0 + ... + V_(count-1) H_(count-1).  V_i (rows x
	 * BLOCK_COLUMNS) begins at v[i]; the H_i, BLOCK_COLUMNS x
	 * BLOCK_COLUMNS, lie one after another from h on. */
	void (*add_product)(size_t rows, size_t count, const void *const *v,
			    size_t v_ld, const void *h, void *y, size_t y_ld);

	/* count numbers from double, and to double. */
	void (*from_double)(const double *from, void *to, size_t count);
	void (*to_double)(const void *from, double *to, size_t count);
};

/* Kernels for matrices of many columns, a multiple of BLOCK_COLUMNS, in double
 * precision. */
struct block_rows {
	/* t = a_row^T V, V m x columns.  Each column is summed in the order of
	 * the row's entries: equal rows have equal bits. */
	void (*row_product)(const struct csr_matrix *a, size_t row,
			    const double *v, size_t columns, double *t);

	/* Y += a_first t_0^T + ... + a_(last-1) t_(last-first-1)^T.  Y is a
	 * block of m rows; t_i is BLOCK_COLUMNS numbers at t + i * columns.
	 * prefetch: as in apply(). */
	void (*add_transposed_product)(const struct csr_matrix *a, size_t first,
				       size_t last, const double *t,
				       size_t columns, double *y,
				       bool prefetch);
};

/* The kernels for one kind of instructions. */
struct block_kernel_set {
	const char *name; /* "avx512", "avx2", "plain" */
	struct block_kernel single_precision, double_precision;
	struct block_rows rows;
};

/* Set i, the fastest first and "plain" last.  NULL where this processor lacks
 * the instructions, and for i >= BLOCK_KERNEL_SETS. */
enum { BLOCK_KERNEL_SETS = 3 };
const struct block_kernel_set *block_kernels_get(unsigned i);

/* The fastest set that this processor can run; never NULL. */
const struct block_kernel_set *block_kernels_best(void);

#endif
