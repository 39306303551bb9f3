#include "algebra.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "die.h"
#include "team.h"

/* Rows of a panel. */
enum { PANEL = 8192 };

void algebra_begin(void)
{
	openblas_set_num_threads(1);
}

struct panels {
	size_t rows, v_ld, p, b;
	const double *v;
	double *y;
	double *h;		/* p x b, or of project one for each panel */
};

static size_t panel_count(size_t rows)
{
	return (rows + PANEL - 1) / PANEL;
}

static size_t panel_rows(size_t rows, size_t panel)
{
	size_t left = rows - panel * PANEL;

	return left < PANEL ? left : PANEL;
}

/* H_panel = V_panel^T Y_panel */
static void project_panel(void *shared, size_t panel, unsigned thread)
{
	struct panels *w = shared;
	size_t first = panel * PANEL;

	(void)thread;
	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)w->p,
		    (int)w->b, (int)panel_rows(w->rows, panel), 1,
		    w->v + first * w->v_ld, (int)w->v_ld,
		    w->y + first * w->b, (int)w->b, 0,
		    w->h + panel * w->p * w->b, (int)w->b);
}

void algebra_project(unsigned threads, size_t rows, const double *v,
		     size_t v_ld, size_t p, const double *y, size_t b,
		     double *h)
{
	size_t panels = panel_count(rows);
	struct panels work = { .rows = rows, .v_ld = v_ld, .p = p, .b = b,
			       .v = v, .y = (double *)(size_t)y };

	memset(h, 0, p * b * sizeof *h);
	if (p == 0)
		return;
	work.h = alloc_resize(NULL, alloc_product(panels, p * b),
			      sizeof *work.h);
	team_run(threads, panels, project_panel, &work);
	for (size_t panel = 0; panel < panels; panel++)
		for (size_t i = 0; i < p * b; i++)
			h[i] += work.h[panel * p * b + i];
	free(work.h);
}

/* Y_panel -= V_panel H */
static void subtract_panel(void *shared, size_t panel, unsigned thread)
{
	struct panels *w = shared;
	size_t first = panel * PANEL;

	(void)thread;
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans,
		    (int)panel_rows(w->rows, panel), (int)w->b, (int)w->p, -1,
		    w->v + first * w->v_ld, (int)w->v_ld, w->h, (int)w->b, 1,
		    w->y + first * w->b, (int)w->b);
}

void algebra_subtract(unsigned threads, size_t rows, const double *v,
		      size_t v_ld, size_t p, double *y, size_t b,
		      const double *h)
{
	struct panels work = { .rows = rows, .v_ld = v_ld, .p = p, .b = b,
			       .v = v, .y = y, .h = (double *)(size_t)h };

	if (p > 0)
		team_run(threads, panel_count(rows), subtract_panel, &work);
}

/* V_panel[:, 0:b] = V_panel[:, 0:p] Z, through a copy of its first columns */
static void rotate_panel(void *shared, size_t panel, unsigned thread)
{
	struct panels *w = shared;
	size_t first = panel * PANEL, rows = panel_rows(w->rows, panel);
	double *turned = alloc_resize(NULL, rows * w->b, sizeof *turned);
	double *v = w->y + first * w->v_ld;

	(void)thread;
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows,
		    (int)w->b, (int)w->p, 1, v, (int)w->v_ld, w->h,
		    (int)w->b, 0, turned, (int)w->b);
	for (size_t i = 0; i < rows; i++)
		memcpy(v + i * w->v_ld, turned + i * w->b,
		       w->b * sizeof *v);
	free(turned);
}

void algebra_rotate(unsigned threads, size_t rows, double *v, size_t v_ld,
		    size_t p, const double *z, size_t q)
{
	struct panels work = { .rows = rows, .v_ld = v_ld, .p = p, .b = q,
			       .y = v, .h = (double *)(size_t)z };

	if (q > 0)
		team_run(threads, panel_count(rows), rotate_panel, &work);
}

void algebra_multiply(size_t n, const double *a, const double *b, double *c)
{
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n,
		    (int)n, 1, a, (int)n, b, (int)n, 0, c, (int)n);
}

void algebra_qr(size_t rows, double *y, size_t b, double *r)
{
	/* Y row-major is Y^T (b x rows) column-major: Y^T = L Q^T gives
	 * Y = Q L^T, and L column-major read by rows is L^T = R. */
	double *tau = alloc(b, sizeof *tau);
	lapack_int m = (lapack_int)b, n = (lapack_int)rows;

	if (LAPACKE_dgelqf(LAPACK_COL_MAJOR, m, n, y, m, tau) != 0)
		die("LAPACK dgelqf failed");
	for (size_t i = 0; i < b; i++)
		for (size_t j = 0; j < b; j++)
			r[i * b + j] = j >= i ? y[i * b + j] : 0;
	if (LAPACKE_dorglq(LAPACK_COL_MAJOR, m, n, m, y, m, tau) != 0)
		die("LAPACK dorglq failed");
	free(tau);
}

const char *algebra_eigen(size_t n, double *a, size_t count, double *values,
			  double *vectors)
{
	double *rising = alloc(n, sizeof *rising);
	lapack_int *support = alloc(2 * count, sizeof *support), found = 0;
	lapack_int size = (lapack_int)n;

	/* The upper triangle by rows is the lower by columns. */
	lapack_int info = LAPACKE_dsyevr(
		LAPACK_COL_MAJOR, 'V', 'I', 'L', size, a, size, 0, 0,
		size - (lapack_int)count + 1, size, 0, &found, rising, vectors,
		size, support);
	free(support);
	if (info != 0 || found != (lapack_int)count) {
		free(rising);
		return sentence("LAPACK dsyevr failed (%d)", (int)info);
	}
	for (size_t i = 0; i < count; i++)
		values[i] = rising[count - 1 - i];
	free(rising);
	for (size_t i = 0; i < count / 2; i++)
		for (size_t j = 0; j < n; j++) {
			double *x = &vectors[i * n + j];
			double *y = &vectors[(count - 1 - i) * n + j];
			double kept = *x;
			*x = *y;
			*y = kept;
		}
	return NULL;
}
