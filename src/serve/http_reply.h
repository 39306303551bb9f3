/* http_reply: replies as they are handed to libmicrohttpd: header fields, and a
 * body whose buffer is given away. */
#ifndef SERVE_HTTP_REPLY_H
#define SERVE_HTTP_REPLY_H

#include <microhttpd.h>

#include "base/io.h"
#include "serve/http_service.h"

/* The value of the request's header field, or NULL where it has none.  It lives
 * until the request ends. */
const char *http_header(const struct http_request *request, const char *name);

/* Count bytes more that the request holds until it ends; false, and they are
 * not counted, where all hold HTTP_MAX_HELD already. */
bool http_hold(struct http_request *request, size_t bytes);

/* What the request holds is freed. */
void http_release(struct http_request *request);

/* Add a header field; where that fails, the request has failed. */
void http_add_header(struct http_request *request,
		     struct MHD_Response *response, const char *name,
		     const char *value);

/* Header fields of a reply that may be kept, as long as asking again says that
 * it holds; etag may be NULL. */
void http_add_cached(struct http_request *request,
		     struct MHD_Response *response, const char *etag);

/* A response with the fields that all have, and the body, whose buffer it
 * takes, by gzip where the client takes that; type must live on.  NULL, which
 * the functions here take, where there is no memory. */
struct MHD_Response *http_response(struct http_request *request,
				   struct output *body, const char *type);

/* The request's X-Request-Id, or NULL where it has none that can be repeated:
 * at most 128 printable characters of ASCII. */
const char *http_request_id(const struct http_request *request);

/* Hand the response to the library, and let it go; where the request failed,
 * send http_send_no_memory's. */
enum MHD_Result http_send(struct http_request *request, int status,
			  struct MHD_Response *response);

/* What is sent where there is no memory to write a reply: made before, for all
 * requests.  NULL where it cannot be made. */
struct MHD_Response *http_no_memory_response(void);
enum MHD_Result http_send_no_memory(struct http_request *request);

/* The same, and keep a response with status 200 in the cache where the request
 * has a key; model names the one that answered (reply_cache.h). */
enum MHD_Result http_send_kept(struct http_request *request, int status,
			       struct MHD_Response *response,
			       const char *model);

/* Send a body that nothing may keep. */
enum MHD_Result http_send_body(struct http_request *request, int status,
			       const char *type, struct output *body);

/* The same with status 200, counted as held until the client has it; where all
 * hold too much already, http_send_overload instead. */
enum MHD_Result http_send_large_body(struct http_request *request,
				     const char *type, struct output *body);

/* Send 503, to be tried again. */
enum MHD_Result http_send_overload(struct http_request *request);

/* Send a short text that nothing may keep. */
enum MHD_Result http_send_text(struct http_request *request, int status,
			       const char *text);

/* Send an error as JSON, and one header field more unless name is NULL. */
enum MHD_Result http_send_error(struct http_request *request, int status,
				const char *error, const char *field,
				const char *name, const char *value);

/* Send a file that is built in, or status 304 without a body. */
enum MHD_Result http_send_file(struct http_request *request);
enum MHD_Result http_send_unmodified(struct http_request *request,
				     const char *etag);

/* Answer a browser that asks whether a page of another origin may ask, or a
 * client that asks for the methods of the service (OPTIONS *). */
enum MHD_Result http_send_preflight(struct http_request *request);

#endif
