/* http_daemon: libmicrohttpd, and the threads that drive it.
 *
 * Each thread drives a daemon of its own; all listen on one socket.  The
 * threads wait on the daemon's epoll descriptor and on one that is written to
 * when a worker resumes a connection, and the library never waits: after
 * exactly as many events as it has room for (128) it would wait once more
 * before it looks at them, without limit, until another event comes. */
#ifndef SERVE_HTTP_DAEMON_H
#define SERVE_HTTP_DAEMON_H

#include <stdbool.h>

#include "serve/http_service.h"

struct http_daemon {
	int fd; /* listens */
	struct http_poller *pollers;
	unsigned count;
};

/* Start count threads that accept on fd, which becomes the daemon's, together
 * up to so many connections.  Returns NULL, or an error text where one cannot
 * be started; fd is closed and nothing is left to end then. */
const char *http_daemon_begin(struct http_daemon *http,
			      struct http_service *service, int fd,
			      unsigned count, unsigned connections);

/* Take the connections that were made before now, and none after. */
void http_daemon_stop_listening(struct http_daemon *http);

/* End the threads and close all connections; after the above, and while no
 * request is queued. */
void http_daemon_end(struct http_daemon *http);

#endif
