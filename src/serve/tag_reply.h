/* tag_reply: a tag of the model: who has it, which tags go with it. */
#ifndef SERVE_TAG_REPLY_H
#define SERVE_TAG_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/io.h"
#include "explain/display_names.h"
#include "serve/served_model.h"

/* Write the tag with that id as JSON: how many have it, the customers with the
 * largest values, ties by id, and the tags that customers with it have more
 * often than customers as active.  False, and nothing is written, where the
 * model lacks it.  O(nnz). */
bool tag_reply_write(struct output *body, const struct served_model *served,
		     const struct display_names *labels, const char *id,
		     size_t length);

#endif
