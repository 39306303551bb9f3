/* http_callbacks: what libmicrohttpd calls when a connection opens and closes,
 * and when a request begins, is read, and ends; the types of their parameters
 * are the library's.  All are called by the thread that drives the connection's
 * daemon. */
#ifndef SERVE_HTTP_CALLBACKS_H
#define SERVE_HTTP_CALLBACKS_H

#include <stddef.h>
#include <sys/socket.h>

#include "serve/http_service.h"

/* Who calls: shared by the requests that one thread reads. */
struct http_caller {
	struct http_service *service;
	int wake; /* an eventfd: a connection was resumed */
};

/* May this client have one connection more?  shared: the service.  A proxy on
 * this machine is many clients: unless an option says so, there is no limit for
 * it. */
enum MHD_Result http_accept_client(void *shared, const struct sockaddr *address,
				   socklen_t length);

/* A connection is opened or closed.  shared: the service; *context: its struct
 * connection. */
void http_watch_connection(void *shared, struct MHD_Connection *connection,
			   void **context,
			   enum MHD_ConnectionNotificationCode code);

/* The first line of a request has come.  shared: a struct http_caller.  Returns
 * the request, the context of the two functions below; NULL where there is no
 * memory: then http_handle_request closes the connection. */
void *http_begin_request(void *shared, const char *uri,
			 struct MHD_Connection *connection);

/* Called for the head, for each part of the body, for its end, and when a
 * suspended connection is resumed.  MHD_NO closes the connection. */
enum MHD_Result http_handle_request(void *unused,
				    struct MHD_Connection *connection,
				    const char *path, const char *method,
				    const char *version, const char *upload,
				    size_t *upload_size, void **context);

/* The reply has been sent, or the request was cut off: it is freed.  shared:
 * the service. */
void http_end_request(void *shared, struct MHD_Connection *connection,
		      void **context, enum MHD_RequestTerminationCode code);

#endif
