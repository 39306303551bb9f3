/* matrix_selection: which customers and tags of the profiles are rows and
 * columns of a matrix that is being built, and in which order. */
#ifndef MODEL_MATRIX_SELECTION_H
#define MODEL_MATRIX_SELECTION_H

#include <stddef.h>

#include "model/matrix_rows.h"

/* The prefixes of tags that are attributes: the options', or those of the model
 * or the tally that the matrix is made for. */
const struct tag_prefixes *
matrix_selection_attributes(const struct matrix_builder *builder);

/* How many of the first count entries of builder->entries are compared, that is
 * of no attribute. */
size_t matrix_selection_compared(const struct matrix_builder *builder,
				 size_t count);

/* Set n and m, the rows and the columns of builder, whose profiles are read.
 * NULL or an error text: nothing is left, or a tag does not fit. */
const char *matrix_selection_make(struct matrix_builder *builder);

#endif
