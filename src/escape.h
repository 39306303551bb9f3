/* escape: text as it stands in a field of our TSV (see table.h), where it is
 * compared, sorted and joined as it will be written. */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stddef.h>

/* Room for one escaped text. */
struct escaped {
	char *text;
	size_t room;
};

/* The text escaped, and its length then: the text itself where nothing in it
 * needs to be, else the room, valid until the next. */
const char *escape(struct escaped *escaped, const char *text, size_t *length);

void escape_free(struct escaped *escaped);

#endif
