#include "linalg/dense.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cpu_features.h"
#include "base/errors.h"
#include "base/thread_pool.h"

/* Rows are divided into at most PIECES pieces of at least PANEL rows.  PANEL
 * rows of one block fit in the first-level cache while they are multiplied by
 * those of other blocks. */
enum { PIECES = 32, PANEL = 256 };

/* What OpenBLAS takes for a work area when it first needs one, with some room.
 */
enum { WORK_AREA = (128 + 8) << 20 };

static bool is_limited(int resource)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) == 0 &&
	       limit.rlim_cur != RLIM_INFINITY;
}

/* Linux counts work areas as data, too. */
static bool is_memory_limited(void)
{
	return is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA);
}

/* Set a variable that OpenBLAS reads when it is loaded, where it is not set;
 * true where it was not. */
static bool set_variable(const char *name, const char *value)
{
	return getenv(name) == NULL && setenv(name, value, 1) == 0;
}

/* Start the program again where OpenBLAS should be loaded otherwise.  Without
 * AVX it may choose kernels by the maker of the processor alone, whose
 * instructions a virtual one lacks.  Where memory is limited, each of
 * its threads, which it starts when it is loaded, looks for a work area for
 * ever. */
static void restart_where_needed(char **arguments)
{
	bool restart = false;

	if (cpu_is_x86() && !cpu_has_avx())
		restart =
			set_variable("OPENBLAS_CORETYPE",
				     cpu_has_sse42() ? "Nehalem" : "Prescott");
	if (is_memory_limited())
		restart = set_variable("OPENBLAS_NUM_THREADS", "1") || restart;
	if (restart)
		execv("/proc/self/exe", arguments);
}

/* Where memory is limited, have OpenBLAS allocate its work area, and
 * keep it, or return an error text where there is no room for it.  A product
 * of small matrices takes none on some processors; a factorization does. */
static const char *secure_work_area(void)
{
	double one = 1;

	if (!is_memory_limited())
		return NULL;
	void *area = mmap(NULL, WORK_AREA, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return error_text("out of memory: a limit (ulimit -v, -d) "
				  "leaves no %d MB for OpenBLAS",
				  WORK_AREA >> 20);
	munmap(area, WORK_AREA);
	return LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', 1, &one, 1) == 0
		       ? NULL
		       : "the Cholesky factorization of OpenBLAS failed";
}

const char *dense_use_one_thread(char **arguments)
{
	if (arguments != NULL)
		restart_where_needed(arguments);
	openblas_set_num_threads(1);
	return secure_work_area();
}

void *dense_block_alloc(const struct tall_shape *tall)
{
	return alloc_aligned(alloc_product(tall->rows, BLOCK_COLUMNS),
			     tall->kernel->item);
}

/* ----------------------------------------------------------- tall products */

struct tall_job {
	const struct tall_shape *tall;
	size_t pieces;
	size_t count, to;
	void *const *v;
	void *y;
	const void *small; /* of the kernel's precision */
	double *h;         /* inner products, of each piece */
};

static struct tall_job begin_job(const struct tall_shape *tall)
{
	size_t panels = (tall->rows + PANEL - 1) / PANEL;

	return (struct tall_job){.tall = tall,
				 .pieces = panels < PIECES ? panels : PIECES};
}

/* Where piece i begins: at a multiple of PANEL. */
static size_t piece_begin(const struct tall_job *job, size_t i)
{
	size_t panels = (job->tall->rows + PANEL - 1) / PANEL;
	size_t row = panels * i / job->pieces * PANEL;

	return row < job->tall->rows ? row : job->tall->rows;
}

static size_t panel_rows(size_t row, size_t end)
{
	return end - row < PANEL ? end - row : PANEL;
}

/* A row of a block. */
static void *at_row(const struct tall_job *job, const void *block, size_t row)
{
	return (char *)(size_t)block +
	       row * BLOCK_COLUMNS * job->tall->kernel->item;
}

/* sign * from, in the precision of the kernel; free() it. */
static void *to_precision(const struct tall_shape *tall, const double *from,
			  size_t count, double sign)
{
	double *signs = alloc_resize(NULL, count, sizeof *signs);
	void *to = alloc_aligned(count, tall->kernel->item);

	for (size_t i = 0; i < count; i++)
		signs[i] = sign * from[i];
	tall->kernel->from_double(signs, to, count);
	free(signs);
	return to;
}

/* h = the sum over pieces, in their order; frees those of pieces. */
static void add_pieces(const struct tall_job *job, size_t items, double *h)
{
	memset(h, 0, items * sizeof *h);
	for (size_t piece = 0; piece < job->pieces; piece++)
		for (size_t i = 0; i < items; i++)
			h[i] += job->h[piece * items + i];
	free(job->h);
}

static void inner_products_piece(void *shared, size_t piece, unsigned thread)
{
	struct tall_job *job = shared;
	const struct block_kernel *kernel = job->tall->kernel;
	double *h = job->h + piece * job->count * BLOCK_SQUARE;
	size_t end = piece_begin(job, piece + 1);

	(void)thread;
	for (size_t row = piece_begin(job, piece); row < end; row += PANEL)
		for (size_t i = 0; i < job->count; i++)
			kernel->inner_products(
				panel_rows(row, end),
				at_row(job, job->v[i], row), BLOCK_COLUMNS,
				at_row(job, job->y, row), BLOCK_COLUMNS,
				h + i * BLOCK_SQUARE);
}

void dense_inner_products(const struct tall_shape *tall, size_t count,
			  void *const *v, const void *y, double *h)
{
	struct tall_job job = begin_job(tall);

	job.count = count;
	job.v = v;
	job.y = (void *)(size_t)y;
	job.h = alloc(job.pieces * count * BLOCK_SQUARE, sizeof *job.h);
	thread_pool_run(tall->threads, job.pieces, inner_products_piece, &job);
	add_pieces(&job, count * BLOCK_SQUARE, h);
}

static void self_inner_products_piece(void *shared, size_t piece,
				      unsigned thread)
{
	struct tall_job *job = shared;
	size_t begin = piece_begin(job, piece);

	(void)thread;
	job->tall->kernel->self_inner_products(
		piece_begin(job, piece + 1) - begin, at_row(job, job->y, begin),
		BLOCK_COLUMNS, job->h + piece * BLOCK_SQUARE);
}

/* H (BLOCK_COLUMNS x BLOCK_COLUMNS) = Y^T Y, in double */
static void self_inner_products(const struct tall_shape *tall, void *y,
				double *h)
{
	struct tall_job job = begin_job(tall);

	job.y = y;
	job.h = alloc(job.pieces * BLOCK_SQUARE, sizeof *job.h);
	thread_pool_run(tall->threads, job.pieces, self_inner_products_piece,
			&job);
	add_pieces(&job, BLOCK_SQUARE, h);
}

static void add_product_piece(void *shared, size_t piece, unsigned thread)
{
	struct tall_job *job = shared;
	size_t begin = piece_begin(job, piece);
	const void **v = alloc(job->count, sizeof *v);

	(void)thread;
	for (size_t i = 0; i < job->count; i++)
		v[i] = at_row(job, job->v[i], begin);
	job->tall->kernel->add_product(piece_begin(job, piece + 1) - begin,
				       job->count, v, BLOCK_COLUMNS, job->small,
				       at_row(job, job->y, begin),
				       BLOCK_COLUMNS);
	free(v);
}

void dense_add_product(const struct tall_shape *tall, size_t count,
		       void *const *v, const double *h, double sign, void *y)
{
	struct tall_job job = begin_job(tall);
	void *small = to_precision(tall, h, count * BLOCK_SQUARE, sign);

	job.count = count;
	job.v = v;
	job.y = y;
	job.small = small;
	thread_pool_run(tall->threads, job.pieces, add_product_piece, &job);
	free(small);
}

/* PANEL rows of V Z are computed in a buffer, block by block, and then copied
 * into V. */
static void rotate_panel(const struct tall_job *job, size_t row, size_t rows,
			 char *buffer)
{
	const struct block_kernel *kernel = job->tall->kernel;
	size_t panel = (size_t)PANEL * BLOCK_COLUMNS * kernel->item;
	const void **v = alloc(job->count, sizeof *v);

	for (size_t i = 0; i < job->count; i++)
		v[i] = at_row(job, job->v[i], row);
	memset(buffer, 0, job->to * panel);
	for (size_t i = 0; i < job->to; i++)
		kernel->add_product(rows, job->count, v, BLOCK_COLUMNS,
				    (const char *)job->small +
					    i * job->count * BLOCK_SQUARE *
						    kernel->item,
				    buffer + i * panel, BLOCK_COLUMNS);
	for (size_t i = 0; i < job->to; i++)
		memcpy(at_row(job, job->v[i], row), buffer + i * panel,
		       rows * BLOCK_COLUMNS * kernel->item);
	free(v);
}

static void rotate_piece(void *shared, size_t piece, unsigned thread)
{
	struct tall_job *job = shared;
	size_t end = piece_begin(job, piece + 1);
	char *buffer = alloc_aligned(job->to * PANEL * BLOCK_COLUMNS,
				     job->tall->kernel->item);

	(void)thread;
	for (size_t row = piece_begin(job, piece); row < end; row += PANEL)
		rotate_panel(job, row, panel_rows(row, end), buffer);
	free(buffer);
}

void dense_rotate(const struct tall_shape *tall, size_t from, size_t to,
		  void *const *v, const double *z)
{
	struct tall_job job = begin_job(tall);
	void *small = to_precision(tall, z, from * to * BLOCK_SQUARE, 1);

	job.count = from;
	job.to = to;
	job.v = v;
	job.small = small;
	thread_pool_run(tall->threads, job.pieces, rotate_piece, &job);
	free(small);
}

/* --------------------------------------------------- orthonormal columns */

/* The Cholesky factor R of H = Y^T Y: upper triangular, R^T R = H.  False where
 * a column of Y is linearly dependent on others to the precision of blocks. */
static bool cholesky(const struct tall_shape *tall, const double *h, double *r)
{
	double threshold = tall->kernel->item == sizeof(float) ? 1e-8 : 1e-12;

	memset(r, 0, BLOCK_SQUARE * sizeof *r);
	for (size_t i = 0; i < BLOCK_COLUMNS; i++)
		for (size_t j = i; j < BLOCK_COLUMNS; j++)
			r[i * BLOCK_COLUMNS + j] = h[i * BLOCK_COLUMNS + j];
	/* The upper triangle by rows is the lower by columns. */
	if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', BLOCK_COLUMNS, r,
			   BLOCK_COLUMNS) != 0)
		return false;
	for (size_t i = 0; i < BLOCK_COLUMNS; i++)
		if (!(r[i * BLOCK_COLUMNS + i] * r[i * BLOCK_COLUMNS + i] >=
		      threshold * h[i * BLOCK_COLUMNS + i]))
			return false;
	return true;
}

/* Y = Y R^-1 */
static const char *multiply_by_inverse(const struct tall_shape *tall, void *y,
				       const double *r)
{
	double inverse[BLOCK_SQUARE];

	memcpy(inverse, r, sizeof inverse);
	lapack_int info = LAPACKE_dtrtri(LAPACK_COL_MAJOR, 'L', 'N',
					 BLOCK_COLUMNS, inverse, BLOCK_COLUMNS);
	if (info != 0)
		return error_text("LAPACK dtrtri failed (%d)", (int)info);
	dense_rotate(tall, 1, 1, &y, inverse);
	return NULL;
}

/* Y row-major is Y^T (BLOCK_COLUMNS x rows) column-major: Y^T = L Q^T gives
 * Y = Q L^T, and L column-major read by rows is L^T = R. */
static const char *householder(const struct tall_shape *tall, void *y,
			       double *r)
{
	size_t items = tall->rows * BLOCK_COLUMNS;
	double *wide = alloc_resize(NULL, items, sizeof *wide),
	       tau[BLOCK_COLUMNS];
	lapack_int m = BLOCK_COLUMNS, n = (lapack_int)tall->rows;

	tall->kernel->to_double(y, wide, items);
	lapack_int info = LAPACKE_dgelqf(LAPACK_COL_MAJOR, m, n, wide, m, tau);
	for (size_t i = 0; i < BLOCK_COLUMNS; i++)
		for (size_t j = 0; j < BLOCK_COLUMNS; j++)
			r[i * BLOCK_COLUMNS + j] =
				j >= i ? wide[i * BLOCK_COLUMNS + j] : 0;
	if (info == 0)
		info = LAPACKE_dorglq(LAPACK_COL_MAJOR, m, n, m, wide, m, tau);
	if (info == 0)
		tall->kernel->from_double(wide, y, items);
	free(wide);
	return info == 0 ? NULL
			 : error_text("LAPACK dgelqf or dorglq failed (%d)",
				      (int)info);
}

const char *dense_qr(const struct tall_shape *tall, void *y, double *r)
{
	double h[BLOCK_SQUARE], second[BLOCK_SQUARE], product[BLOCK_SQUARE];

	self_inner_products(tall, y, h);
	if (!cholesky(tall, h, r))
		return householder(tall, y, r);
	const char *error = multiply_by_inverse(tall, y, r);
	if (error != NULL)
		return error;
	self_inner_products(tall, y, h);
	error = cholesky(tall, h, second) ? multiply_by_inverse(tall, y, second)
					  : householder(tall, y, second);
	if (error != NULL)
		return error;
	dense_multiply(BLOCK_COLUMNS, second, r, product);
	memcpy(r, product, sizeof product);
	return NULL;
}

void dense_reorthonormalize(size_t rows, size_t k, size_t ld, double *v)
{
	double *h = alloc(alloc_product(k, k), sizeof *h);
	int size = (int)k;

	/* H = V^T V = R^T R, and V = V R^-1 */
	cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, size, (int)rows, 1,
		    v, (int)ld, 0, h, size);
	/* The upper triangle by rows is the lower by columns. */
	if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', size, h, size) == 0)
		cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans,
			    CblasNonUnit, (int)rows, size, 1, h, size, v,
			    (int)ld);
	free(h);
}

/* --------------------------------------------------------- small matrices */

void dense_multiply(size_t n, const double *a, const double *b, double *c)
{
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n,
		    (int)n, 1, a, (int)n, b, (int)n, 0, c, (int)n);
}

void dense_multiply_block(size_t n, const double *g, const double *x, size_t ld,
			  double *y)
{
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n,
		    BLOCK_COLUMNS, (int)n, 1, g, (int)n, x, (int)ld, 0, y,
		    BLOCK_COLUMNS);
}

static void swap_rows(double *a, double *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double kept = a[i];
		a[i] = b[i];
		b[i] = kept;
	}
}

const char *dense_eigen(size_t n, double *a, size_t count, double *values,
			double *vectors)
{
	double *ascending = alloc(n, sizeof *ascending);
	lapack_int *support = alloc(2 * count, sizeof *support), found = 0;
	lapack_int size = (lapack_int)n;

	/* The upper triangle by rows is the lower by columns. */
	lapack_int info =
		LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', size, a, size,
			       0, 0, size - (lapack_int)count + 1, size, 0,
			       &found, ascending, vectors, size, support);
	if (info == 0 && found == (lapack_int)count)
		for (size_t i = 0; i < count; i++)
			values[i] = ascending[count - 1 - i];
	free(support);
	free(ascending);
	if (info != 0 || found != (lapack_int)count)
		return error_text("LAPACK dsyevr failed (%d)", (int)info);
	for (size_t i = 0; i < count / 2; i++)
		swap_rows(vectors + i * n, vectors + (count - 1 - i) * n, n);
	return NULL;
}

const char *dense_polar(size_t n, double *a)
{
	double *values = alloc(n, sizeof *values);
	double *left = alloc(alloc_product(n, n), sizeof *left);
	double *right = alloc(alloc_product(n, n), sizeof *right);
	lapack_int size = (lapack_int)n;

	/* By columns the same memory is A^T, and what comes out R^T. */
	lapack_int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'A', size, size, a,
					 size, values, left, size, right, size);
	cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n,
		    (int)n, 1, left, (int)n, right, (int)n, 0, a, (int)n);
	free(values);
	free(left);
	free(right);
	return info == 0 ? NULL
			 : error_text("LAPACK dgesdd failed (%d)", (int)info);
}

void dense_multiply_right(size_t rows, size_t k, size_t ld, double *v,
			  const double *r)
{
	enum { SOME_ROWS = 1024 };
	double *copy = alloc(alloc_product(SOME_ROWS, k), sizeof *copy);

	for (size_t first = 0; first < rows; first += SOME_ROWS) {
		size_t count =
			rows - first < SOME_ROWS ? rows - first : SOME_ROWS;
		for (size_t i = 0; i < count; i++)
			memcpy(copy + i * k, v + (first + i) * ld,
			       k * sizeof *copy);
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans,
			    (int)count, (int)k, (int)k, 1, copy, (int)k, r,
			    (int)k, 0, v + first * ld, (int)ld);
	}
	free(copy);
}
