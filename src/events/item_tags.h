/* item_tags: which tags an item has, from a catalogue in CSV (--tags), many an
 * item; and the tags in a cell that holds several (--tag-sep). */
#ifndef EVENTS_ITEM_TAGS_H
#define EVENTS_ITEM_TAGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "text/csv_dialect.h"

struct item_tags {
	struct string_table items, tags; /* names, escaped as in TSV */
	size_t *begin; /* item i has tag[begin[i] .. begin[i + 1]) */
	uint32_t *tag;
	char *item_name, *tag_name; /* of the columns; NULL without header */
};

/* Read a catalogue: argument is FILE or FILE:ITEM,TAG with columns by name or
 * number; without them the first two are read.  Equal pairs count once; an
 * empty tag is none; separator (escaped, or NULL) splits cells of tags.  option
 * is the name of the option, for messages.  Ends the process on a wrong row. */
void item_tags_read(struct item_tags *items, const char *option,
		    const char *argument, const struct csv_dialect *dialect,
		    int headed, const char *separator);

/* The next part of a cell of size bytes, from *at on: returns where it begins
 * and sets *length; NULL at the end.  Empty parts are skipped.  Both texts are
 * escaped (tsv.h); without a separator (NULL) the cell is one part. */
const char *item_tags_next_part(const char *cell, size_t size, size_t *at,
				const char *separator, size_t *length);

/* Free the tables and lists. */
void item_tags_free(struct item_tags *items);

#endif
