/* delimiter_hint: which delimiter a line seems to have where it is read with
 * another one. */
#ifndef TEXT_DELIMITER_HINT_H
#define TEXT_DELIMITER_HINT_H

#include <stddef.h>

/* What may stand between columns in the first line of size bytes, which is a
 * header line or a row: a line of a message that names the option for it, begun
 * by a line feed.  Constant, or valid as error_text's; "" where there is
 * nothing.  delimiter: the byte by which it was read. */
const char *delimiter_hint(const char *text, size_t size, char delimiter);

/* The same of a field beside others of its row, in which commas are no
 * surprise: tabs, semicolons and bars alone. */
const char *delimiter_hint_of_field(const char *field, char delimiter);

#endif
