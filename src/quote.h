/* quote: bytes as a string of JSON. */
#ifndef QUOTE_H
#define QUOTE_H

#include <stddef.h>

#include "stream.h"

/* Write the string in quotation marks: quotation marks, backslashes and
 * control characters escaped, and U+FFFD for each byte that is not UTF-8. */
void quote_json(struct output *output, const char *text, size_t length);

#endif
