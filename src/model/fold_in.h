/* fold_in: what a matrix takes from a model so that new customers can be folded
 * into it (cs-matrix --as): columns and their weights, how values are made,
 * and the tenths by which activity is compared. */
#ifndef MODEL_FOLD_IN_H
#define MODEL_FOLD_IN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "model/tag_prefixes.h"
#include "model/weighting.h"

struct fold_in {
	struct model model;
	enum value value;
	enum damp damp;
	enum norm norm;
	struct tag_prefixes attributes; /* tags that do not count as active;
					   the texts are the model's */
	uint64_t minimum[TENTHS];       /* tags of the least active of each
					      tenth; UINT64_MAX: no one is in it */
};

/* View a model that is open and whose bytes are checked, and stays so; then
 * there is nothing to close. */
const char *fold_in_view(struct fold_in *fold, const struct model *model);

/* Open a model, or a matrix, and look at every byte of what is taken. */
const char *fold_in_open(struct fold_in *fold, const char *path);

/* True where a column of the model is an attribute of customers. */
bool fold_in_is_attribute(const struct fold_in *fold, size_t tag);

/* The tenth of a customer with so many tags, attributes not counted: the
 * highest that has a customer with as few. */
unsigned char fold_in_tenth(const struct fold_in *fold, uint64_t active);

/* Its options of cs-matrix and its names of columns, and its id. */
void fold_in_describe(const struct fold_in *fold, json_t *metadata);

/* Check that a matrix was made for a model (cs-matrix --as): the same tags,
 * weights and ways of making values.  NULL or an error text about the matrix,
 * which names the file of the model. */
const char *fold_in_compare(const struct model *model,
			    const struct model *matrix);

void fold_in_close(struct fold_in *fold);

#endif
