/* Every set of linalg/block_kernels.h against the plain one, in both
 * precisions: what unit-dense does not call. */
#include "linalg/block_kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cases.h"

enum { CASES = 60, ROWS = 20, COLUMNS = 40, WIDE = 5 * BLOCK_COLUMNS };

struct matrix {
	struct csr_matrix a;
	int64_t indptr[ROWS + 1];
	int32_t indices[ROWS * COLUMNS];
	float values[ROWS * COLUMNS];
};

static double draw(void)
{
	return (double)(float)random_normal(seed, counter++);
}

static void draw_matrix(struct matrix *matrix)
{
	size_t often = 1 + chance(8), nnz = 0;

	for (size_t i = 0; i < ROWS; i++) {
		for (size_t j = 0; j < COLUMNS; j++)
			if (chance(often) == 0) {
				matrix->indices[nnz] = (int32_t)j;
				matrix->values[nnz++] = (float)draw();
			}
		matrix->indptr[i + 1] = (int64_t)nnz;
	}
	matrix->a = (struct csr_matrix){.n = ROWS,
					.m = COLUMNS,
					.nnz = nnz,
					.indptr = matrix->indptr,
					.indices = matrix->indices,
					.values = matrix->values};
}

static int compare(const struct block_kernel_set *set, const char *what,
		   const double *found, const double *wanted, size_t count,
		   double tolerance)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabs(found[i] - wanted[i]) <= tolerance))
			return fail(set->name) | fail(what);
	return 0;
}

/* Y += A^T (A X) for some rows of A, in doubles. */
static void apply(const struct block_kernel *kernel, const struct csr_matrix *a,
		  const size_t span[2], const double *x, bool prefetch,
		  double *y)
{
	size_t count = COLUMNS * BLOCK_COLUMNS;
	void *block[2] = {alloc_aligned(count, kernel->item),
			  alloc_aligned(count, kernel->item)};

	for (size_t b = 0; b < 2; b++)
		kernel->from_double(x, block[b], count);
	kernel->apply(a, span[0], span[1], block[0], block[1], prefetch);
	kernel->to_double(block[1], y, count);
	free(block[0]);
	free(block[1]);
}

/* Whole numbers of units, the halves among them; the same in each kernel. */
static int check_accumulate(const struct block_kernel_set *set,
			    const struct block_kernel *kernel)
{
	size_t count = BLOCK_COLUMNS * (1 + chance(6));
	double from[6 * BLOCK_COLUMNS];
	void *part = alloc_aligned(count, kernel->item);
	int64_t sums[6 * BLOCK_COLUMNS];
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		from[i] = (double)((int)chance(4000) - 2000) / 8;
		sums[i] = (int64_t)i;
	}
	kernel->from_double(from, part, count);
	kernel->accumulate(part, sums, count, 4);
	for (size_t i = 0; i < count; i++)
		if (sums[i] != (int64_t)i + llrint(from[i] * 4))
			failed = fail(set->name) | fail("accumulate");
	kernel->to_double(part, from, count);
	for (size_t i = 0; i < count; i++)
		if (from[i] != 0)
			failed = fail(set->name) | fail("part is not zeros");
	free(part);
	return failed;
}

static int check_rows(const struct block_kernel_set *set,
		      const struct block_kernel_set *plain,
		      const struct csr_matrix *a)
{
	size_t columns = BLOCK_COLUMNS * (1 + chance(5)), row = chance(ROWS);
	double *v = alloc_aligned(COLUMNS * WIDE, sizeof *v);
	double *t = alloc_aligned(ROWS * WIDE, sizeof *t);
	double *out[2];
	int failed = 0;

	for (size_t i = 0; i < COLUMNS * columns; i++)
		v[i] = draw();
	for (size_t i = 0; i < ROWS * columns; i++)
		t[i] = draw();
	for (size_t s = 0; s < 2; s++) {
		const struct block_rows *rows = &(s ? plain : set)->rows;

		out[s] = alloc_aligned((COLUMNS + 1) * WIDE, sizeof *out[s]);
		rows->row_product(a, row, v, columns, out[s]);
		double *y = out[s] + WIDE;
		for (size_t i = 0; i < COLUMNS * BLOCK_COLUMNS; i++)
			y[i] = (double)(i % 7);
		rows->add_transposed_product(a, row, ROWS, t, columns, y,
					     counter % 2);
	}
	failed |= compare(set, "row_product", out[0], out[1], columns, 1e-12);
	failed |= compare(set, "add_transposed_product", out[0] + WIDE,
			  out[1] + WIDE, COLUMNS * BLOCK_COLUMNS, 1e-12);
	free(out[0]);
	free(out[1]);
	free(t);
	free(v);
	return failed;
}

static int check_set(const struct block_kernel_set *set,
		     const struct block_kernel_set *plain,
		     const struct csr_matrix *a)
{
	static double x[COLUMNS * BLOCK_COLUMNS], y[2][COLUMNS * BLOCK_COLUMNS];
	const size_t first = chance(ROWS);
	const size_t span[2] = {first, first + chance(ROWS - first + 1)};
	bool prefetch = chance(2);
	int failed = check_rows(set, plain, a);

	for (size_t i = 0; i < COLUMNS * BLOCK_COLUMNS; i++)
		x[i] = draw();
	apply(&plain->double_precision, a, span, x, prefetch, y[1]);
	apply(&set->double_precision, a, span, x, prefetch, y[0]);
	failed |= compare(set, "apply in double precision", y[0], y[1],
			  COLUMNS * BLOCK_COLUMNS, 1e-10);
	apply(&set->single_precision, a, span, x, prefetch, y[0]);
	failed |= compare(set, "apply in single precision", y[0], y[1],
			  COLUMNS * BLOCK_COLUMNS, 2e-2);
	return failed | check_accumulate(set, &set->single_precision) |
	       check_accumulate(set, &set->double_precision);
}

static int run_case(void)
{
	static struct matrix matrix;
	int failed = 0;

	draw_matrix(&matrix);
	for (unsigned i = 0; i < BLOCK_KERNEL_SETS; i++)
		if (block_kernels_get(i) != NULL)
			failed |= check_set(
				block_kernels_get(i),
				block_kernels_get(BLOCK_KERNEL_SETS - 1),
				&matrix.a);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
