#include "search/bad_row.h"

#include "base/errors.h"

void bad_row_record(_Atomic size_t *first, size_t row)
{
	size_t old = *first;

	while (row < old)
		if (atomic_compare_exchange_weak(first, &old, row))
			return;
}

const char *bad_row_error(const struct csr_matrix *matrix, size_t row)
{
	const char *error = csr_matrix_check_row(matrix, row);

	return error != NULL ? error
			     : error_text("row %zu of the embedding is not "
					  "finite",
					  row);
}
