/* gram_matrix: B^T B as a dense matrix, in one pass. */
#ifndef LINALG_GRAM_MATRIX_H
#define LINALG_GRAM_MATRIX_H

#include "linalg/gram_operator.h"

/* G (m x m, all of it) = B^T B; the same bits for any number of threads. */
void gram_matrix_compute(const struct gram_operator *op, double *gram);

/* How many products that takes: for a row of c entries c (c + 1) / 2. */
double gram_matrix_products(const struct csr_matrix *matrix);

#endif
