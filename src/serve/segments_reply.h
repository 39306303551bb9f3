/* segments_reply: the segments of a served model as JSON. */
#ifndef SERVE_SEGMENTS_REPLY_H
#define SERVE_SEGMENTS_REPLY_H

#include <stddef.h>

#include "base/io.h"
#include "explain/display_names.h"
#include "serve/served_model.h"
#include "text/json_writer.h"

/* The functions below are for a model that has segments. */

/* Write the object of GET /segments. */
void segments_reply_write(struct output *body,
			  const struct served_model *served,
			  const struct display_names *labels);

/* Write the object of GET /segments/ID: up to limit members after the first
 * skip ones. */
void segments_reply_one(struct output *body, const struct served_model *served,
			const struct display_names *labels, size_t segment,
			size_t skip, size_t limit);

/* Write the member "segment" of the object that is open: the name of a row's
 * segment, as a number where it is a whole one; null for none. */
void segments_reply_put(struct json_writer *writer,
			const struct served_model *served, size_t row);

#endif
