/* json_format: which kind of JSON a table is written in, and the command of jq
 * that makes CSV of it. */
#ifndef TEXT_JSON_FORMAT_H
#define TEXT_JSON_FORMAT_H

#include <stddef.h>

struct json_format {
	const char *what;    /* for messages */
	const char *command; /* before the file's name */
};

/* The format of JSON that begins with the size bytes; NULL where they may be
 * CSV. */
const struct json_format *json_format_find(const unsigned char *bytes,
					   size_t size);

#endif
