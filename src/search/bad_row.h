/* bad_row: the first row that a search cannot use, whichever thread finds it.
 */
#ifndef SEARCH_BAD_ROW_H
#define SEARCH_BAD_ROW_H

#include <stdatomic.h>
#include <stddef.h>

#include "model/csr_matrix.h"

/* Set *first to the row where that is smaller. */
void bad_row_record(_Atomic size_t *first, size_t row);

/* The error text of a row of a matrix that is damaged, or whose embedding is
 * not finite. */
const char *bad_row_error(const struct csr_matrix *matrix, size_t row);

#endif
