/* matrix_writer: a built matrix as a file of the format model/safetensors. */
#ifndef MODEL_MATRIX_WRITER_H
#define MODEL_MATRIX_WRITER_H

#include "base/io.h"
#include "model/matrix_builder.h"

/* Write the whole file: the metadata (options and names of columns; version is
 * the program's, as "matrix.version") and the tensors.  builder has n > 0.
 * Several passes over the rows.  output stays open.  Ends the process where a
 * write fails, as all output does. */
void matrix_writer_write(struct matrix_builder *builder, const char *version,
			 struct output *output);

#endif
