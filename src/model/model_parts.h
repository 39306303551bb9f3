/* model_parts: one part of a matrix or a model as a table (TSV) or as an array
 * for numpy (model/npy): customers, tags, profiles, embedding, components,
 * singular values.  Numbers have as many digits as read back the same. */
#ifndef MODEL_MODEL_PARTS_H
#define MODEL_MODEL_PARTS_H

#include <stdbool.h>

#include "base/io.h"
#include "model/model.h"

enum model_part {
	PART_USERS,
	PART_TAGS,
	PART_PROFILES,
	PART_EMBEDDING,
	PART_COMPONENTS,
	PART_SIGMA,
	MODEL_PARTS
};

/* The words of the parts, in order, NULL-terminated. */
extern const char *const model_part_words[];

/* Check what writing the part reads: that the model has it, the checksums of
 * its tensors, and names.  Returns NULL or an error text, which does not name
 * the file. */
const char *model_part_check(const struct model *model, enum model_part part);

/* Write the part, which is checked, as TSV: a line of names of columns, then a
 * line for each row.  Rows of the matrix are checked as they are written.
 * Returns NULL, or an error text that does not name the file. */
const char *model_part_write_tsv(const struct model *model,
				 enum model_part part, struct output *output);

/* Whether the part is an array; write it, checked, in numpy's format. */
bool model_part_is_array(enum model_part part);
void model_part_write_npy(const struct model *model, enum model_part part,
			  struct output *output);

#endif
