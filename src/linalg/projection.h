/* projection: rows of a matrix times the components: the embedding.  A row's
 * bytes depend on its entries alone, so equal rows are embedded alike, in
 * whatever file they stand. */
#ifndef LINALG_PROJECTION_H
#define LINALG_PROJECTION_H

#include <stddef.h>

#include "linalg/truncated_svd.h"
#include "model/csr_matrix.h"
#include "model/model.h"
#include "linalg/block_kernels.h"

struct projection {
	const struct block_kernel_set *set;
	enum center center;
	size_t m, k, ld;          /* tags, columns, and those with filling */
	const double *components; /* m x ld, aligned to 64 */
	double *scales;           /* ld: t times this is the embedding */
	double *ones;             /* ld: 1^T V */
	double *shift;            /* ld: mean^T V, with column centring */
	const double *mean;       /* m: of the columns, with that; else NULL */
	double *filled;           /* components that projection_model made */
};

/* mean: of the columns, m; used with column centring only.  It and components
 * must outlive the embed. */
void projection_begin(struct projection *embed,
		      const struct truncated_svd *factor, size_t m,
		      enum scale scale, enum center center, const double *mean);

/* The same of a model's components. */
void projection_model(struct projection *embed, const struct model *model);

void projection_end(struct projection *embed);

/* t = b_row^T V, ld numbers, aligned; returns the row's mean where rows are
 * centred, else 1 (what centring weighs the row with). */
double projection_row(const struct projection *embed,
		      const struct csr_matrix *a, size_t row, double *t);

/* The row's embedding (k) from its t: a customer without weight has zeros. */
void projection_scale(const struct projection *embed,
		      const struct csr_matrix *a, size_t row, const double *t,
		      float *to);

/* The last pass: the embedding of all rows goes to take, in order, some rows
 * at a time.  y, unless NULL, becomes B^T (B V), in strips of m rows. */
void projection_all(const struct projection *embed, const struct csr_matrix *a,
		    unsigned threads, double *y,
		    void (*take)(void *context, size_t first, size_t count,
				 const float *rows),
		    void *context);

#endif
