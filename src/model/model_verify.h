/* model_verify: all that a matrix or a model can be found wrong in. */
#ifndef MODEL_MODEL_VERIFY_H
#define MODEL_MODEL_VERIFY_H

#include <stddef.h>

#include "model/csr_matrix.h"
#include "model/model.h"

/* What was looked at, and found. */
struct findings {
	size_t sums;   /* checksums that are right */
	size_t silent; /* customers whose row is zero, in the embedding or,
			  in a matrix, in profile.values */
};

/* Offsets that rise and end where the bytes do; names that are not empty and
 * ascend by their bytes.  what is "users" or "tags". */
const char *text_array_check(const struct text_array *texts, const char *what);

/* Look at every byte: checksums, names, rows, counts, finite numbers.  NULL
 * or an error text that names the tensor or the row. */
const char *model_check(const struct model *model, struct findings *findings);

#endif
