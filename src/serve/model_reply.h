/* model_reply: what can be said of a model without a search: what it is, and
 * its customers by name. */
#ifndef SERVE_MODEL_REPLY_H
#define SERVE_MODEL_REPLY_H

#include <stddef.h>

#include "base/io.h"
#include "explain/display_names.h"
#include "serve/served_model.h"
#include "text/json_writer.h"

/* Write the object of GET /model. */
void model_reply_write(struct output *body, const struct served_model *served);

/* Write {"customer", "name", "tags"} of a row. */
void model_reply_put_customer(struct json_writer *writer,
			      const struct served_model *served,
			      const struct display_names *labels, size_t row);

/* Write the object of GET /customers: of the customers whose id begins
 * with the prefix of that length, and then those whose label does, in any case
 * of ASCII letters, which an empty prefix leaves out, up to limit after the
 * first skip ones. */
void model_reply_customers(struct output *body,
			   const struct served_model *served,
			   const struct display_names *labels,
			   const char *prefix, size_t length, size_t skip,
			   size_t limit);

#endif
