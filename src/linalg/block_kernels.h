/* block_kernels: the hot loops of the factorization, chosen at run time for the
 * processor: AVX-512, AVX2, or plain C, which is the oracle of the others.
 *
 * A strip is a matrix of BLOCK_COLUMNS columns, row-major, aligned to 64 bytes:
 * in single precision a row is one line of the cache.  All kernels of a kind
 * agree but for rounding; each gives the same bits in every call. */
#ifndef LINALG_BLOCK_KERNELS_H
#define LINALG_BLOCK_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"

enum { BLOCK_COLUMNS = 16 };

/* The loops for items of one precision; void stands for float or double. */
struct block_kernel {
	const char *name;
	size_t item; /* bytes */

	/* For the rows first to last - 1 of A: t = a_i^T X, Y += a_i t^T.
	 * X and Y are strips of m rows; far: they exceed the cache, and rows
	 * of them are fetched ahead. */
	void (*apply)(const struct csr_matrix *a, size_t first, size_t last,
		      const void *x, void *y, bool far);

	/* sums += part in units of 1 / unit, rounded; part = 0.  count is a
	 * multiple of BLOCK_COLUMNS. */
	void (*settle)(void *part, int64_t *sums, size_t count, double unit);

	/* H (BLOCK_COLUMNS x BLOCK_COLUMNS) += V^T Y over rows rows; a row of V
	 * begins v_ld items after the one before, likewise Y. */
	void (*project)(size_t rows, const void *v, size_t v_ld, const void *y,
			size_t y_ld, double *h);

	/* H += Y^T Y, in double precision whatever the items are. */
	void (*square)(size_t rows, const void *y, size_t y_ld, double *h);

	/* Y += V_0 H_0 + V_1 H_1 + ..., count of them; V_i begins at v[i] and
	 * H_i, BLOCK_COLUMNS x BLOCK_COLUMNS, is the i-th of h. */
	void (*combine)(size_t rows, size_t count, const void *const *v,
			size_t v_ld, const void *h, void *y, size_t y_ld);

	/* Items from doubles, and back. */
	void (*from_double)(const double *from, void *to, size_t count);
	void (*to_double)(const void *from, double *to, size_t count);
};

/* Loops over rows of many columns, a multiple of BLOCK_COLUMNS, in double. */
struct block_rows {
	/* t = a_row^T V, one chain of additions for each column in the order
	 * of the row's tags; V is m x columns. */
	void (*gather)(const struct csr_matrix *a, size_t row, const double *v,
		       size_t columns, double *t);

	/* Y (a strip of m rows) += a_i t_i^T for the rows first to last - 1;
	 * t_first stands at t, the next one columns items later. */
	void (*scatter)(const struct csr_matrix *a, size_t first, size_t last,
			const double *t, size_t columns, double *y, bool far);
};

/* What a processor can run: 0 is the fastest that this one can. */
struct block_kernel_set {
	const char *name;
	struct block_kernel single, real;
	struct block_rows rows;
};

/* Set i, the fastest first and "plain" last; NULL where this processor lacks
 * the instructions, and from BLOCK_KERNEL_SETS on. */
enum { BLOCK_KERNEL_SETS = 3 };
const struct block_kernel_set *block_kernels_get(unsigned i);

/* The first that this processor can run. */
const struct block_kernel_set *block_kernels_best(void);

#endif
