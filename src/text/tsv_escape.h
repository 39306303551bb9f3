/* tsv_escape: text as it stands in a field of our TSV (see text/tsv.h), where
 * it is compared, sorted and joined as it will be written. */
#ifndef TEXT_TSV_ESCAPE_H
#define TEXT_TSV_ESCAPE_H

#include <stddef.h>

/* Write the text escaped, up to twice its length; the length then. */
size_t tsv_escape(char *escaped, const char *text, size_t length);

/* The same into memory of its own, with a zero byte after it; free() it. */
char *tsv_escape_text(const char *text, size_t length);

/* Undo it in place; any other backslash stands for itself.  The new length. */
size_t tsv_unescape(char *text, size_t length);

#endif
