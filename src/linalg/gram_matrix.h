/* gram_matrix: C = B^T B as a dense matrix, from one pass over the rows. */
#ifndef LINALG_GRAM_MATRIX_H
#define LINALG_GRAM_MATRIX_H

#include "linalg/gram_operator.h"

/* Set c (m x m, both triangles) to B^T B, B being the operator's matrix
 * with its centring.  Sums are of integers, as in linalg/gram_operator.h: the
 * bits do not depend on the number of threads.  Needs m^2 numbers for each
 * thread, and as many again for the sums.  Reports rows as progress. */
void gram_matrix_compute(const struct gram_operator *gram, double *c);

/* What a rank other than 0 does while rank 0 is in gram_matrix_compute(): it
 * adds the sums of its own rows. */
void gram_matrix_assist(const struct gram_operator *gram);

#endif
