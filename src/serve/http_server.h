/* http_server: a service from its begin to its end: sockets, threads, signals.
 */
#ifndef SERVE_HTTP_SERVER_H
#define SERVE_HTTP_SERVER_H

#include "serve/http_service.h"

/* Serve until SIGTERM or SIGINT, and then answer what is under way.  Ends the
 * process where it cannot begin, and with status 0 where requests are cut off
 * or a model is being loaded at the end; else returns. */
void http_server_run(const struct http_server_options *options);

#endif
