/* gram: B^T B as a dense matrix, in one pass. */
#ifndef LINALG_GRAM_MATRIX_H
#define LINALG_GRAM_MATRIX_H

#include "linalg/gram_operator.h"

/* G (m x m, all of it) = B^T B; the same bits for any number of threads. */
void gram_make(const struct op *op, double *gram);

/* How many products that takes: for a row of c entries c (c + 1) / 2. */
double gram_products(const struct matrix *matrix);

#endif
