/* group_tags: which tags a group of customers has more often than others who
 * are as active, as JSON: what cs-contrast says (explain/contrast.h). */
#ifndef SERVE_GROUP_TAGS_H
#define SERVE_GROUP_TAGS_H

#include <stddef.h>
#include <stdint.h>

#include "explain/display_names.h"
#include "serve/served_model.h"
#include "text/json_writer.h"

/* Write the member key of the object that is open: {"members",
 * "over_represented": [{"tag", "name", "members", "expected", "times", "low",
 * "high"}]}, strongest first, at most limit tags.  The members are the rows in
 * bits; tag without is not tested (SIZE_MAX: all are).  Rows were checked where
 * the model was loaded.  Time and memory as of contrast_compute. */
void group_tags_put(struct json_writer *writer, const char *key,
		    const struct served_model *served,
		    const struct display_names *labels, const uint64_t *bits,
		    size_t without, size_t limit);

#endif
