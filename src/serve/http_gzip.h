/* http_gzip: replies compressed for clients that ask for it (RFC 9110,
 * section 8.4.1.3). */
#ifndef SERVE_HTTP_GZIP_H
#define SERVE_HTTP_GZIP_H

#include <stdbool.h>

#include "base/io.h"

/* Does the header Accept-Encoding, or NULL, allow gzip? */
bool http_gzip_is_accepted(const char *accept_encoding);

/* Replace a body in memory by its gzip stream.  False, and the body is as it
 * was, where it is short, does not shrink, or there is no memory. */
bool http_gzip(struct output *body);

#endif
