/* matrix_metadata: the options of a matrix as metadata, and back. */
#ifndef MODEL_MATRIX_METADATA_H
#define MODEL_MATRIX_METADATA_H

#include <jansson.h>
#include <stddef.h>

#include "model/matrix_builder.h"
#include "model/safetensors.h"

/* Set the keys matrix.* of options for so many files side by side; value is the
 * one that is used, or VALUE_AUTO where that is not known yet. */
void matrix_metadata_set(json_t *metadata, const struct matrix_options *options,
			 enum value value, size_t files);

/* Set options to those that matrix_metadata_set wrote, and *files; weights is
 * new memory, or NULL; the prefixes belong to the file.  memory stays.  NULL or
 * an error text. */
const char *matrix_metadata_read(const struct safetensors *file,
				 struct matrix_options *options,
				 double **weights, size_t *files);

#endif
