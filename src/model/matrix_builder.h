/* matrix_builder: the sparse, weighted matrix of customers x tags, made of
 * profiles: which customers and tags stay, their order, the weights of the
 * columns and the tenths of the customers.
 *
 * The rows are computed anew in every pass over them.  The memory that is used
 * grows with the tags; of the customers it holds 4 bytes each where rows are
 * dropped or sorted, and otherwise what the limit for temporary files allows.
 * model/matrix_writer writes the matrix. */
#ifndef MODEL_MATRIX_BUILDER_H
#define MODEL_MATRIX_BUILDER_H

#include <stddef.h>

#include "model/matrix_rows.h"

/* Read the profiles of count files (0: standard input) and build the matrix;
 * options must stay in place until matrix_builder_free.  Returns NULL or an
 * error text; to be freed in both cases.  With fold_in, n is 0 if no customer
 * has a tag of the model: there is no matrix then. */
const char *matrix_builder_build(struct matrix_builder *builder,
				 const struct matrix_options *options,
				 char **paths, size_t count);

void matrix_builder_free(struct matrix_builder *builder);

#endif
