/* percent: bytes written as % and two hexadecimal digits (RFC 3986). */
#ifndef TEXT_PERCENT_H
#define TEXT_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

/* Undo the escapes of length bytes in place and put a zero byte after them;
 * returns the new length.  A % with no two digits after it, or with 00, stands
 * for itself; where the text is read strictly, SIZE_MAX is returned and the
 * text is undefined. */
size_t percent_decode(char *text, size_t length, bool strict);

/* True where the text might be what JSON shows for another: its escapes, read
 * strictly once or several times, give bytes that are not UTF-8.  JSON writes
 * each % of such a text as %25, so that no two texts look the same in it.
 * O(length). */
bool percent_is_ambiguous(const char *text, size_t length);

/* What JSON and CSV show of *length bytes that are not UTF-8 or are ambiguous:
 * each byte of no character, and each %, as % and two hexadecimal digits.
 * Returns it, in UTF-8 and ended by a zero byte, for the caller to free, and
 * sets *length; NULL where the bytes are shown as they stand.  O(*length). */
char *percent_encode(const char *text, size_t *length);

#endif
