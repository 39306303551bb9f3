/* projection: rows of a matrix times the components, which is the embedding.
 *
 * The bits of a row's embedding depend on the entries of that row alone: equal
 * rows have equal embeddings, whichever file they are in. */
#ifndef LINALG_PROJECTION_H
#define LINALG_PROJECTION_H

#include <stddef.h>

#include "linalg/truncated_svd.h"
#include "model/csr_matrix.h"
#include "model/model.h"
#include "linalg/block_kernels.h"

/* b is a row of the matrix, less its means where the model is centred; V are
 * the components.  Set by projection_begin() or projection_model(); read only
 * afterwards, by any number of threads. */
struct projection {
	const struct block_kernel_set *set;
	enum center center;
	size_t m, k;              /* columns of the matrix; dimensions */
	size_t ld;                /* k rounded up to a multiple of
				     BLOCK_COLUMNS */
	const double *components; /* V, m x ld, aligned to 64 bytes */
	double *scales;           /* ld: the embedding is t_j scales[j] */
	double *ones;             /* ld: 1^T V */
	double *shift;            /* ld: mean^T V, with column centring */
	const double *mean;       /* m: of columns, with column centring;
				     else NULL */
	double *owned_components; /* the copy made by projection_model() */
};

/* Prepare for the components of svd.  mean (m) are the means of the columns,
 * used with column centring only.  It and the components of svd must outlive
 * the projection. */
void projection_begin(struct projection *projection,
		      const struct truncated_svd *svd, size_t m,
		      enum scale scale, enum center center, const double *mean);

/* Prepare for the components of a model, which are copied; the model must
 * outlive the projection. */
void projection_model(struct projection *projection, const struct model *model);

void projection_end(struct projection *projection);

/* t = b^T V of a row; t is ld numbers, aligned to 64 bytes.  Returns the
 * row's weight in the term by which A^T (B V) becomes B^T (B V) under centring:
 * the mean of the row with row centring, else 1. */
double projection_row(const struct projection *projection,
		      const struct csr_matrix *a, size_t row, double *t);

/* Set to (k) to the row's embedding, from its t.  A row whose values are all
 * zero has the embedding 0, also with column centring. */
void projection_scale(const struct projection *projection,
		      const struct csr_matrix *a, size_t row, const double *t,
		      float *to);

/* Embed all rows of the matrix (n x m) and call write(context, first, count,
 * rows) for successive ranges, in order and from the calling thread: rows is
 * count x k and valid during the call.  y, unless NULL, becomes B^T (B V), as
 * ld / BLOCK_COLUMNS blocks of m rows, aligned to 64 bytes. */
void projection_embed_all(const struct projection *projection,
			  const struct csr_matrix *a, unsigned threads,
			  double *y,
			  void (*write)(void *context, size_t first,
					size_t count, const float *rows),
			  void *context);

#endif
