/* http_server: a service from its start to its end: sockets, threads, signals.
 */
#ifndef SERVE_HTTP_SERVER_H
#define SERVE_HTTP_SERVER_H

#include <stdbool.h>

#include "serve/http_service.h"

/* Serve until SIGTERM or SIGINT, and then answer what is under way.  Returns
 * NULL, or an error text where it cannot begin.  *busy says whether threads go
 * on all the same, where a request takes too long or a model is being loaded:
 * they use options, and the process is to end by _exit. */
const char *http_server_run(const struct http_server_options *options,
			    bool *busy);

#endif
