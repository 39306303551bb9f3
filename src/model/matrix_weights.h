/* matrix_weights: the counts, the weights of columns and the tenths of
 * customers of a matrix that is being built. */
#ifndef MODEL_MATRIX_WEIGHTS_H
#define MODEL_MATRIX_WEIGHTS_H

#include "model/matrix_rows.h"

/* Count the pairs of the builder, whose rows and columns are selected, and set
 * its weights and tenths: by its own counts, by those of a tally, or with
 * fold_in the model's.  Passes over all rows.  NULL or an error text. */
const char *matrix_weights_make(struct matrix_builder *builder);

#endif
