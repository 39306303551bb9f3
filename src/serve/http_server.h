/* http_server: HTTP by libmicrohttpd: routes, limits, the log. */
#ifndef SERVE_HTTP_SERVER_H
#define SERVE_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "explain/display_names.h"

struct http_server_options {
	const char *model; /* the file */
	const char *address, *port;
	unsigned threads;
	struct display_names labels;
	char *token;  /* asked of all but the open routes; NULL: none is */
	bool log;     /* a line of JSON for each request, on standard output */
	bool suggest; /* an unknown customer's error names near ones */
};

/* Serve until SIGTERM or SIGINT, and then answer what is under way.  Ends the
 * process where it cannot begin. */
void http_server_run(const struct http_server_options *choices);

#endif
