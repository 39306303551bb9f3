/* search_reply: customers and tags whose id or name holds a text, as JSON. */
#ifndef SERVE_SEARCH_REPLY_H
#define SERVE_SEARCH_REPLY_H

#include <stddef.h>

#include "base/io.h"
#include "explain/display_names.h"
#include "serve/served_model.h"

/* Write {"customers": [...], "more": ...}: at most limit customers whose id or
 * name holds the text, both as name_fold folds them: the one with that id
 * first, then those whose name does, by name, then those whose id does, by id;
 * in either, those that begin with it first.  O(customers). */
void search_reply_customers(struct output *body,
			    const struct served_model *served,
			    const struct display_names *labels,
			    const char *text, size_t length, size_t limit);

/* The same of tags, by falling number of customers: {"tags": [{"tag", "name",
 * "customers"}], "more": ...}.  O(tags log tags) at most. */
void search_reply_tags(struct output *body, const struct served_model *served,
		       const struct display_names *labels, const char *text,
		       size_t length, size_t limit);

#endif
