/* json_writer: bytes as a string of JSON. */
#ifndef TEXT_JSON_WRITER_H
#define TEXT_JSON_WRITER_H

#include <stddef.h>

#include "base/io.h"

/* Write the string in quotation marks: quotation marks, backslashes and
 * control characters escaped, and U+FFFD for each byte that is not UTF-8. */
void json_write_string(struct output *output, const char *text, size_t length);

#endif
