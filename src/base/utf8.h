/* utf8: which bytes are text in UTF-8 (RFC 3629), and which of it is blank. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* The length, 1 to 4 bytes, of the character at the start of length > 0 bytes:
 * none longer than needed, no surrogates, none above U+10FFFF; 0 where none
 * begins there. */
size_t utf8_character(const unsigned char *text, size_t length);

/* Where the first byte stands that belongs to no character; size where there
 * is none. */
size_t utf8_first_invalid(const unsigned char *bytes, size_t size);

/* How many of length bytes to show where most are too many: no more than most,
 * and no part of a character at their end. */
size_t utf8_cut(const char *text, size_t length, size_t most);

/* The bytes of the byte-order mark at the start of length bytes: 3, or 0 where
 * there is none. */
size_t utf8_order_mark(const void *bytes, size_t length);

/* The bytes of the blank, or of the mark that is not seen, at the start of
 * length bytes; 0 where there is none: a blank or a tab; the spaces of Unicode;
 * zero-width ones, soft hyphens, marks, embeddings, overrides and isolates of
 * direction, marks of byte order. */
size_t utf8_blank(const char *text, size_t length);

/* Take such blanks from both ends. */
void utf8_trim(const char **text, size_t *length);

#endif
