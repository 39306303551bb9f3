/* request_checks: what a request is refused for, by its head alone. */
#ifndef SERVE_REQUEST_CHECKS_H
#define SERVE_REQUEST_CHECKS_H

#include <microhttpd.h>
#include <stdbool.h>

#include "serve/http_service.h"

/* The status that a request, whose route is known, is refused with for its head
 * alone; 0: it is not.  Reads its arguments. */
int request_find_refusal(struct http_request *request);

/* Is a refused request answered before its body has come?  It is where the
 * client waits for that, or more would come than is read and discarded.  Else
 * the reply waits for the body's end: a client that is still sending would see
 * a broken connection instead. */
bool request_is_refused_now(const struct http_request *request);

/* Send the reply to a request that is refused. */
enum MHD_Result request_send_refusal(struct http_request *request);

#endif
