/* control_chars: control characters in text that a terminal will show.  They
 * are those of U+0000 to U+001F, U+007F, and U+0080 to U+009F in UTF-8: a
 * terminal obeys them, and a line feed makes one message look like two. */
#ifndef BASE_CONTROL_CHARS_H
#define BASE_CONTROL_CHARS_H

#include <stddef.h>

/* Put a question mark in place of each byte of a control character. */
void control_chars_replace(char *text);

/* Write length bytes with each byte of a control character as \xHH; escaped
 * has room for 4 * length bytes.  Returns how many were written. */
size_t control_chars_escape(char *escaped, const char *text, size_t length);

#endif
