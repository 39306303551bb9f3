/* http_text: parts of an HTTP request as text: a path, its arguments, headers.
 */
#ifndef SERVE_HTTP_TEXT_H
#define SERVE_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "serve/metrics.h"

/* The route of a path as it came, escapes and all.  Where it names a customer
 * or a tag or a segment, *id becomes its id, unescaped, which the caller frees,
 * with its length; else NULL. */
enum route http_route(const char *path, char **id, size_t *length);

/* The path of a request's target without its query.  That of a URI in absolute
 * form (RFC 9112, 3.2.2), as proxies are sent, is what follows its authority,
 * or "/"; *authority becomes a copy of this, which the caller frees, else NULL.
 */
const char *http_origin_path(const char *target, char **authority);

/* The weight, in thousandths, that a header such as Accept-Encoding gives a
 * name; 0 where it names it not. */
int http_weight_of(const char *list, const char *name);

/* Does a client that sends that header Accept want CSV rather than JSON: is
 * text/csv named there, with more weight, or as much and before? */
bool http_wants_csv(const char *accept);

/* Is the token, which is not empty, that of the header Authorization?  In a
 * time that tells neither how much of it was right nor how long it is. */
bool http_token_matches(const char *authorization, const char *token);

/* Does the header If-None-Match name the tag, which is in quotation marks? */
bool http_etag_matches(const char *if_none_match, const char *tag);

/* Does the header Host name this service: localhost, an address of the loopback
 * interface, the address bound (of which none is known where it is that of all
 * interfaces: then any address), or one of the count names?  A port is
 * ignored.  Names of others are how pages of other sites reach a service on a
 * private address (DNS rebinding). */
bool http_host_is_known(const char *host, const char *bound,
			const char *const names[], size_t count);

#endif
