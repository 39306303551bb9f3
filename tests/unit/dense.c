/* dense: products of tall matrices against plain sums, by every set of kernels,
 * in both precisions, the same bits for any threads; factorizations by their
 * definitions. */
#include "linalg/dense.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "cases.h"

enum { CASES = 16, MAX_BLOCKS = 4, P = BLOCK_COLUMNS };

/* The matrices of a case in double, tall ones by rows. */
struct tall {
	size_t rows, columns;
	double *at;
};

static double draw(void)
{
	return random_normal(seed, counter++);
}

static struct tall draw_tall(size_t rows, size_t columns)
{
	struct tall tall = {rows, columns, alloc(rows * columns, 8)};

	for (size_t i = 0; i < rows * columns; i++)
		tall.at[i] = (double)(float)draw();
	return tall;
}

/* The blocks of a tall matrix in the precision of the kernel. */
static void to_blocks(const struct tall_shape *shape, const struct tall *tall,
		      void **blocks)
{
	double row[P];

	for (size_t b = 0; b < tall->columns / P; b++) {
		blocks[b] = dense_block_alloc(shape);
		for (size_t i = 0; i < tall->rows; i++) {
			memcpy(row, tall->at + i * tall->columns + b * P,
			       sizeof row);
			shape->kernel->from_double(
				row,
				(char *)blocks[b] + i * P * shape->kernel->item,
				P);
		}
	}
}

static double block_at(const struct tall_shape *shape, const void *block,
		       size_t row, size_t column)
{
	double value;

	shape->kernel->to_double(
		(const char *)block + (row * P + column) * shape->kernel->item,
		&value, 1);
	return value;
}

static int near(double found, double expected, double tolerance,
		const char *what)
{
	return fabs(found - expected) <= tolerance ? 0 : fail(what);
}

/* ---------------------------------------------------------- tall matrices */

/* H = V^T Y, and Y += sign V H. */
static int check_products(const struct tall_shape *shape, const struct tall *v,
			  const struct tall *y, double tolerance)
{
	size_t count = v->columns / P;
	double *h = alloc(v->columns * P, sizeof *h), sign = chance(2) ? 1 : -1;
	void *blocks[MAX_BLOCKS], *block;
	int failed = 0;

	to_blocks(shape, v, blocks);
	to_blocks(shape, y, &block);
	dense_inner_products(shape, count, blocks, block, h);
	dense_add_product(shape, count, blocks, h, sign, block);
	for (size_t c = 0; c < v->columns; c++)
		for (size_t j = 0; j < P; j++) {
			double sum = 0;
			for (size_t i = 0; i < v->rows; i++)
				sum += v->at[i * v->columns + c] *
				       y->at[i * P + j];
			failed |= near(h[c * P + j], sum,
				       tolerance * (double)v->rows,
				       "inner products");
		}
	for (size_t i = 0; i < v->rows; i += 1 + v->rows / 20)
		for (size_t j = 0; j < P; j++) {
			double sum = y->at[i * P + j];
			for (size_t c = 0; c < v->columns; c++)
				sum += sign * v->at[i * v->columns + c] *
				       h[c * P + j];
			failed |= near(block_at(shape, block, i, j), sum,
				       tolerance * (10 + fabs(sum)) * 100,
				       "product");
		}
	for (size_t b = 0; b < count; b++)
		free(blocks[b]);
	free(block);
	free(h);
	return failed;
}

/* The first blocks of V become V Z. */
static int check_rotate(const struct tall_shape *shape, const struct tall *v,
			double tolerance)
{
	size_t from = v->columns / P, to = 1 + chance(from);
	struct tall z = draw_tall(v->columns, P * to);
	double *squares = alloc(v->columns * P * to, sizeof *squares);
	void *blocks[MAX_BLOCKS];
	int failed = 0;

	for (size_t b = 0; b < to; b++)
		for (size_t i = 0; i < v->columns; i++)
			memcpy(squares + (b * v->columns + i) * P,
			       z.at + i * z.columns + b * P,
			       P * sizeof *squares);
	to_blocks(shape, v, blocks);
	dense_rotate(shape, from, to, blocks, squares);
	for (size_t i = 0; i < v->rows; i += 1 + v->rows / 20)
		for (size_t j = 0; j < z.columns; j++) {
			double sum = 0;
			for (size_t c = 0; c < v->columns; c++)
				sum += v->at[i * v->columns + c] *
				       z.at[c * z.columns + j];
			failed |= near(block_at(shape, blocks[j / P], i, j % P),
				       sum, 100 * tolerance, "rotation");
		}
	for (size_t b = 0; b < from; b++)
		free(blocks[b]);
	free(squares);
	free(z.at);
	return failed;
}

/* Y = Q R, also where columns of Y are zero or copies of others. */
static int check_qr(const struct tall_shape *shape, struct tall *y,
		    double tolerance)
{
	double r[BLOCK_SQUARE];
	void *block;
	int failed = 0;

	for (size_t copies = chance(4); copies > 0; copies--) {
		size_t from = chance(P), to = chance(P), zero = chance(3) == 0;
		for (size_t i = 0; i < y->rows; i++)
			y->at[i * P + to] = zero ? 0 : y->at[i * P + from];
	}
	to_blocks(shape, y, &block);
	if (dense_qr(shape, block, r) != NULL)
		return fail("no factorization");
	for (size_t a = 0; a < P; a++)
		for (size_t b = 0; b < P; b++) {
			double dot = 0;
			for (size_t i = 0; i < y->rows; i++)
				dot += block_at(shape, block, i, a) *
				       block_at(shape, block, i, b);
			failed |= near(dot, a == b, 100 * tolerance,
				       "Q is not orthonormal");
			if (a > b)
				failed |= near(r[a * P + b], 0, 0,
					       "R is not triangular");
		}
	for (size_t i = 0; i < y->rows; i += 1 + y->rows / 20)
		for (size_t j = 0; j < P; j++) {
			double sum = 0;
			for (size_t l = 0; l < P; l++)
				sum += block_at(shape, block, i, l) *
				       r[l * P + j];
			failed |= near(sum, y->at[i * P + j], 100 * tolerance,
				       "Q R is not Y");
		}
	free(block);
	return failed;
}

/* The same bits for any number of threads. */
static int check_threads(struct tall_shape shape, const struct tall *v,
			 const struct tall *y)
{
	double h[2][MAX_BLOCKS * BLOCK_SQUARE], r[2][BLOCK_SQUARE];
	size_t bytes = v->rows * P * shape.kernel->item;
	void *blocks[MAX_BLOCKS], *block[2];
	int failed = 0;

	to_blocks(&shape, v, blocks);
	for (unsigned t = 0; t < 2; t++) {
		shape.threads = 1 + 2 * t;
		to_blocks(&shape, y, &block[t]);
		dense_inner_products(&shape, v->columns / P, blocks, block[t],
				     h[t]);
		dense_add_product(&shape, v->columns / P, blocks, h[t], -1e-3,
				  block[t]);
		if (dense_qr(&shape, block[t], r[t]) != NULL)
			failed = fail("no factorization");
	}
	if (memcmp(h[0], h[1], v->columns * P * sizeof **h) != 0 ||
	    memcmp(block[0], block[1], bytes) != 0 ||
	    memcmp(r[0], r[1], sizeof *r) != 0)
		failed = fail("other bits with other threads");
	free(block[0]);
	free(block[1]);
	for (size_t b = 0; b < v->columns / P; b++)
		free(blocks[b]);
	return failed;
}

static int check_kernel(const struct block_kernel *kernel, struct tall *v,
			struct tall *y)
{
	double tolerance = kernel->item == sizeof(float) ? 1e-6 : 1e-14;
	struct tall_shape shape = {kernel, 1 + (unsigned)chance(3), v->rows};

	return check_products(&shape, v, y, tolerance) |
	       check_rotate(&shape, v, tolerance) | check_threads(shape, v, y) |
	       check_qr(&shape, y, tolerance);
}

/* --------------------------------------------------------- small matrices */

static double element(const double *a, const double *b, size_t n, size_t row,
		      size_t column, bool transposed)
{
	double sum = 0;

	for (size_t l = 0; l < n; l++)
		sum += (transposed ? a[l * n + row] : a[row * n + l]) *
		       b[l * n + column];
	return sum;
}

/* The largest eigenvalues descend, and A v = value v. */
static int check_eigen(size_t n)
{
	size_t count = 1 + chance(n);
	double *a = alloc(n * n, sizeof *a), *copy = alloc(n * n, sizeof *a);
	double *values = alloc(count, sizeof *values);
	double *vectors = alloc(count * n, sizeof *vectors);
	int failed = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			a[i * n + j] = a[j * n + i] = draw();
	memcpy(copy, a, n * n * sizeof *a);
	if (dense_eigen(n, copy, count, values, vectors) != NULL)
		failed |= fail("no eigenvalues");
	for (size_t e = 0; e < count; e++) {
		const double *v = vectors + e * n;
		double length = 0;
		if (e > 0 && values[e] > values[e - 1])
			failed |= fail("eigenvalues ascend");
		for (size_t i = 0; i < n; i++) {
			double sum = 0;
			for (size_t j = 0; j < n; j++)
				sum += a[i * n + j] * v[j];
			failed |= near(sum, values[e] * v[i], 1e-10,
				       "an eigenvector");
			length += v[i] * v[i];
		}
		failed |= near(length, 1, 1e-12, "length of an eigenvector");
	}
	free(vectors);
	free(values);
	free(copy);
	free(a);
	return failed;
}

/* A = U H: U orthogonal, H = U^T A symmetric, its trace the largest of all. */
static int check_polar(size_t n)
{
	double *a = alloc(n * n, sizeof *a), *u = alloc(n * n, sizeof *u);
	double trace = 0, own = 0;
	int failed = 0;

	for (size_t i = 0; i < n * n; i++)
		u[i] = a[i] = draw();
	if (dense_polar(n, u) != NULL)
		failed |= fail("no polar factor");
	for (size_t i = 0; i < n; i++) {
		trace += element(u, a, n, i, i, true);
		own += a[i * n + i];
		for (size_t j = 0; j < n; j++) {
			failed |= near(element(u, u, n, i, j, true), i == j,
				       1e-11, "U is not orthogonal");
			failed |= near(element(u, a, n, i, j, true),
				       element(u, a, n, j, i, true), 1e-10,
				       "U^T A is not symmetric");
		}
	}
	if (trace < fabs(own) - 1e-10)
		failed |= fail("the identity is nearer to A");
	free(u);
	free(a);
	return failed;
}

static int check_multiply(size_t n)
{
	struct tall a = draw_tall(n, n), b = draw_tall(n, n);
	size_t rows = 1 + chance(1500), ld = n + chance(5);
	struct tall v = draw_tall(rows, ld);
	double *c = alloc(n * n, sizeof *c), *w = alloc(rows * ld, sizeof *w);
	int failed = 0;

	dense_multiply(n, a.at, b.at, c);
	memcpy(w, v.at, rows * ld * sizeof *w);
	dense_multiply_right(rows, n, ld, w, a.at);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			failed |= near(c[i * n + j],
				       element(a.at, b.at, n, i, j, false),
				       1e-11, "A B");
	for (size_t i = 0; i < rows; i += 1 + rows / 20)
		for (size_t j = 0; j < ld; j++) {
			double sum = j < n ? 0 : v.at[i * ld + j];
			for (size_t l = 0; j < n && l < n; l++)
				sum += v.at[i * ld + l] * a.at[l * n + j];
			failed |= near(w[i * ld + j], sum, 1e-11, "V R");
		}
	free(w);
	free(c);
	free(v.at);
	free(b.at);
	free(a.at);
	return failed;
}

/* Columns that are nearly orthonormal become so. */
static int check_reorthonormalize(void)
{
	size_t k = 1 + chance(40), ld = k + chance(9), rows = k + chance(300);
	double *v = alloc(rows * ld, sizeof *v);
	int failed = 0;

	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < ld; j++)
			v[i * ld + j] = (i == j) + 1e-6 * draw();
	dense_reorthonormalize(rows, k, ld, v);
	for (size_t a = 0; a < k; a++)
		for (size_t b = 0; b <= a; b++) {
			double dot = 0;
			for (size_t i = 0; i < rows; i++)
				dot += v[i * ld + a] * v[i * ld + b];
			failed |= near(dot, a == b, 1e-13, "not orthonormal");
		}
	free(v);
	return failed;
}

/* What LAPACK refuses, here a NAN, is an error text. */
static int check_refused(const struct tall *y)
{
	const struct tall_shape shape = {
		&block_kernels_best()->double_precision, 1, y->rows};
	double r[BLOCK_SQUARE];
	void *block;

	to_blocks(&shape, y, &block);
	((double *)block)[chance(y->rows * P)] = NAN;
	const char *error = dense_qr(&shape, block, r);
	free(block);
	return error != NULL ? 0 : fail("a NAN is factorized");
}

static int run_case(void)
{
	size_t rows = P + chance(chance(2) ? 60 : 3000);
	struct tall v = draw_tall(rows, P * (1 + chance(MAX_BLOCKS)));
	struct tall y = draw_tall(rows, P);
	size_t n = 1 + chance(40);
	int failed = 0;

	for (unsigned i = 0; i < BLOCK_KERNEL_SETS; i++) {
		const struct block_kernel_set *set = block_kernels_get(i);
		if (set == NULL)
			continue;
		failed |= check_kernel(&set->single_precision, &v, &y);
		failed |= check_kernel(&set->double_precision, &v, &y);
	}
	failed |= check_refused(&y);
	free(v.at);
	free(y.at);
	return failed | check_eigen(n) | check_polar(n) | check_multiply(n) |
	       check_reorthonormalize();
}

int main(int argc, char **argv)
{
	if (dense_use_one_thread(argv) != NULL)
		return fail("no work area");
	return run_cases(argc, argv, CASES, run_case);
}
