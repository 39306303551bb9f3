/* residuals: how far vectors are from singular vectors; without BLAS, so that
 * programs that hold a model against its matrix start without its threads. */
#ifndef LINALG_RESIDUALS_H
#define LINALG_RESIDUALS_H

#include <stddef.h>

/* Set residual[j] (k) to ||B^T u - s v|| / s_1 of triplet j, u = B v / s.
 * sigma: k values above 0; components: V, m x ld, row major, ld >= k.  y is
 * B^T (B V) as ld / BLOCK_COLUMNS blocks of m rows, as projection_embed_all()
 * computes it. */
void residuals_find(const double *sigma, const double *components, size_t m,
		    size_t k, size_t ld, const double *y, double *residual);

#endif
