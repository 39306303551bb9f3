/* utf8: which bytes are text in UTF-8 (RFC 3629). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* The length, 1 to 4 bytes, of the character at the begin of length > 0 bytes:
 * none longer than needed, no surrogates, none above U+10FFFF; 0 where none
 * begins there. */
size_t utf8_character(const unsigned char *text, size_t length);

/* Where the first byte stands that belongs to no character; size where there
 * is none. */
size_t utf8_first_invalid(const unsigned char *bytes, size_t size);

#endif
