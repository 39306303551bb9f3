#include "serve/request_checks.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "serve/http_reply.h"
#include "serve/http_text.h"

static bool is_get(const struct http_request *request)
{
	return strcmp(request->method, "GET") == 0 ||
	       strcmp(request->method, "HEAD") == 0;
}

/* Does the route ask for no token? */
static bool is_open(enum route route)
{
	return route == ROUTE_PAGE || route == ROUTE_HEALTH ||
	       route == ROUTE_READY || route == ROUTE_OPENAPI ||
	       route == ROUTE_NONE;
}

/* The length of the body that the head states; 0 where it states none, and one
 * more than the largest that is discarded where it is larger. */
static int64_t body_length(const struct http_request *request)
{
	const char *text = http_header(request, "Content-Length");
	int64_t length = 0;

	if (text != NULL &&
	    !number_integer(text, 0, HTTP_MAX_DISCARDED_BODY, &length))
		length = HTTP_MAX_DISCARDED_BODY + 1;
	return length;
}

static enum MHD_Result count_length(void *count, enum MHD_ValueKind kind,
				    const char *name, const char *value)
{
	(void)kind;
	(void)value;
	*(int *)count += strcasecmp(name, "Content-Length") == 0 ||
			 strcasecmp(name, "Transfer-Encoding") == 0;
	return MHD_YES;
}

/* Does the head state in two ways where the body ends?  A proxy might take the
 * other, and what is a next request here for a part of this one's body
 * (request smuggling). */
static bool is_ambiguous(const struct http_request *request)
{
	int count = 0;

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND,
				  count_length, &count);
	return count > 1;
}

int request_find_refusal(const struct http_request *request)
{
	const char *token = request->service->options->token;
	bool allowed = request->route == ROUTE_PREDICT
			       ? strcmp(request->method, "POST") == 0
			       : is_get(request);

	if (is_ambiguous(request))
		return MHD_HTTP_BAD_REQUEST;
	if (token != NULL && !is_open(request->route) &&
	    !http_token_matches(http_header(request, "Authorization"), token))
		return MHD_HTTP_UNAUTHORIZED;
	if (request->route == ROUTE_NONE)
		return MHD_HTTP_NOT_FOUND;
	if (!allowed)
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	return body_length(request) > HTTP_MAX_BODY ? MHD_HTTP_CONTENT_TOO_LARGE
						    : 0;
}

bool request_is_refused_now(const struct http_request *request)
{
	return request->refusal != 0 &&
	       (http_header(request, "Expect") != NULL ||
		body_length(request) > HTTP_MAX_DISCARDED_BODY);
}

enum MHD_Result request_send_refusal(struct http_request *request)
{
	bool predict = request->route == ROUTE_PREDICT;
	int status = request->refusal;

	switch (status) {
	case MHD_HTTP_BAD_REQUEST:
		return http_send_error(request, status,
				       "the head says twice where the body "
				       "ends",
				       NULL, "Connection", "close");
	case MHD_HTTP_UNAUTHORIZED:
		return http_send_error(request, status,
				       "a bearer token is asked for", NULL,
				       "WWW-Authenticate", "Bearer");
	case MHD_HTTP_NOT_FOUND:
		return http_send_error(request, status,
				       "no such path: see /openapi.json", NULL,
				       NULL, NULL);
	case MHD_HTTP_METHOD_NOT_ALLOWED:
		return http_send_error(request, status,
				       predict ? "expected the method POST"
					       : "expected the method GET",
				       NULL, "Allow",
				       predict ? "POST" : "GET, HEAD");
	default:
		return http_send_error(request, MHD_HTTP_CONTENT_TOO_LARGE,
				       "the body is larger than 65,536 bytes",
				       NULL, NULL, NULL);
	}
}
