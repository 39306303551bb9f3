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

/* What a look over the header fields finds. */
struct head {
	int lengths, hosts;
	bool blank;      /* white space in a name, as before the colon */
	bool coding;     /* a transfer coding other than chunked */
	bool broken;     /* a line has not one CR LF, at its end */
	const char *end; /* of the line before, in the library's memory */
};

/* Where a line ends whose text ends there, in the library's memory: its version
 * 1.0 puts a zero byte behind a value without the blanks that follow it. */
static const char *skip_blanks(const char *end)
{
	const char *after = end + 1 + strspn(end + 1, " \t");

	return after[0] == '\r' && after[1] == '\n' ? after : end;
}

static enum MHD_Result look_at_field(void *found, enum MHD_ValueKind kind,
				     const char *name, const char *value)
{
	struct head *head = found;
	bool coded = strcasecmp(name, "Transfer-Encoding") == 0;

	(void)kind;
	if (value == NULL)
		value = "";
	head->lengths += strcasecmp(name, "Content-Length") == 0 || coded;
	head->coding |= coded && strcasecmp(value, "chunked") != 0;
	head->hosts += strcasecmp(name, "Host") == 0;
	head->blank |= name[strcspn(name, " \t\r")] != '\0' || *name == '\0';
	/* The library parses the head in place: zero bytes take the place of
	 * CR LF, and the next field follows them.  It takes an LF alone for the
	 * end of a line, too, and moves a line that is folded. */
	head->broken |= name != skip_blanks(head->end) + 2 ||
			strchr(value, '\r') != NULL;
	head->end = value + strlen(value);
	return MHD_YES;
}

/* What is wrong with the head; NULL: nothing.  A proxy before the service may
 * read such a head in another way, and take for the next request what is a part
 * of this one's body (request smuggling). */
static const char *find_defect(const struct http_request *request)
{
	struct head head = {.end = request->line_end};

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND,
				  look_at_field, &head);
	/* The library takes a field without a name for the empty line. */
	head.broken |= request->head_end != skip_blanks(head.end) + 4;
	if (request->line_is_broken)
		return "a zero byte or a blank too many in the first line";
	if (head.lengths > 1)
		return "the head says twice where the body ends";
	if (head.coding || (head.lengths > 0 && request->http10 &&
			    http_header(request, "Content-Length") == NULL))
		return "Transfer-Encoding: expected chunked alone, and HTTP/1.1";
	if (head.blank)
		return "white space in the name of a header field";
	if (head.broken)
		return "a line of the head does not end in CR LF, is folded, "
		       "has a zero byte or no name before its colon";
	if (head.hosts > 1)
		return "the header field Host stands there twice";
	if (head.hosts == 0 && !request->http10)
		return "the header field Host is missing";
	return NULL;
}

/* Is it meant for another service, by its header field Host or by the authority
 * of its URI? */
static bool is_misdirected(const struct http_request *request)
{
	const struct http_service *service = request->service;
	const struct http_server_options *options = service->options;
	const char *const asked[] = {http_header(request, "Host"),
				     request->authority};

	for (int i = 0; i < 2; i++)
		if (asked[i] != NULL &&
		    !http_host_is_known(asked[i], service->bound,
					options->hosts, options->host_count))
			return true;
	return false;
}

/* Is the body compressed, or encoded otherwise? */
static bool is_encoded(const struct http_request *request)
{
	const char *coding = http_header(request, "Content-Encoding");

	return coding != NULL && strcasecmp(coding, "identity") != 0;
}

/* Which arguments a route has; bit a is that of argument a. */
static const unsigned arguments_of[ROUTES] = {
	[ROUTE_PREDICT] = 1u << ARGUMENT_SAFE,
	[ROUTE_SIMILAR] = 1u << ARGUMENT_N | 1u << ARGUMENT_METRIC |
			  1u << ARGUMENT_RECALL |
			  1u << ARGUMENT_MIN_SIMILARITY | 1u << ARGUMENT_AMONG |
			  1u << ARGUMENT_NOT | 1u << ARGUMENT_WHY |
			  1u << ARGUMENT_IGNORE_UNKNOWN | 1u << ARGUMENT_SAFE,
	[ROUTE_CUSTOMERS] = 1u << ARGUMENT_PREFIX | 1u << ARGUMENT_SEARCH |
			    1u << ARGUMENT_LIMIT | 1u << ARGUMENT_CURSOR,
	[ROUTE_TAGS] = 1u << ARGUMENT_SEARCH | 1u << ARGUMENT_LIMIT,
	[ROUTE_SEGMENT] = 1u << ARGUMENT_LIMIT | 1u << ARGUMENT_CURSOR,
};

static enum MHD_Result add_argument(void *context, enum MHD_ValueKind kind,
				    const char *name, const char *value)
{
	struct http_request *request = context;

	(void)kind;
	http_arguments_add(&request->arguments, arguments_of[request->route],
			   name, value);
	return MHD_YES;
}

/* Read the arguments of a route that answers by them; the page's address has
 * some of its own, and open routes are asked with what a prober likes. */
static void read_arguments(struct http_request *request)
{
	if (!is_open(request->route) && request->route != ROUTE_METRICS)
		MHD_get_connection_values(request->connection,
					  MHD_GET_ARGUMENT_KIND, add_argument,
					  request);
}

int request_find_refusal(struct http_request *request)
{
	const struct http_server_options *options = request->service->options;
	bool allowed = request->route == ROUTE_PREDICT
			       ? strcmp(request->method, "POST") == 0
			       : is_get(request);

	request->reason = find_defect(request);
	if (request->reason != NULL)
		return MHD_HTTP_BAD_REQUEST;
	if (is_misdirected(request))
		return MHD_HTTP_MISDIRECTED_REQUEST;
	if (strcmp(request->method, "OPTIONS") == 0 &&
	    (options->origin != NULL || strcmp(request->uri, "*") == 0))
		return MHD_HTTP_NO_CONTENT;
	if (options->token != NULL && !is_open(request->route) &&
	    !http_token_matches(http_header(request, "Authorization"),
				options->token))
		return MHD_HTTP_UNAUTHORIZED;
	if (request->route == ROUTE_NONE)
		return MHD_HTTP_NOT_FOUND;
	if (!allowed)
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	read_arguments(request);
	if (request->arguments.error != NULL)
		return MHD_HTTP_BAD_REQUEST;
	if (is_encoded(request))
		return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
	return body_length(request) > HTTP_MAX_BODY ? MHD_HTTP_CONTENT_TOO_LARGE
						    : 0;
}

bool request_is_refused_now(const struct http_request *request)
{
	return request->refusal != 0 &&
	       (request->reason != NULL ||
		http_header(request, "Expect") != NULL ||
		body_length(request) > HTTP_MAX_DISCARDED_BODY);
}

enum MHD_Result request_send_refusal(struct http_request *request)
{
	bool predict = request->route == ROUTE_PREDICT;
	int status = request->refusal;

	switch (status) {
	case MHD_HTTP_BAD_REQUEST:
		if (request->reason == NULL)
			return http_send_error(
				request, status, request->arguments.error,
				request->arguments.field, NULL, NULL);
		return http_send_error(request, status, request->reason, NULL,
				       "Connection", "close");
	case MHD_HTTP_MISDIRECTED_REQUEST:
		return http_send_error(request, status,
				       "the header field Host names another "
				       "service: see --host",
				       NULL, NULL, NULL);
	case MHD_HTTP_NO_CONTENT:
		return http_send_preflight(request);
	case MHD_HTTP_UNSUPPORTED_MEDIA_TYPE:
		return http_send_error(request, status,
				       "the body is encoded: send it without "
				       "Content-Encoding",
				       NULL, "Accept-Encoding", "identity");
	case MHD_HTTP_SERVICE_UNAVAILABLE:
		return http_send_error(request, status,
				       "too many bytes are held for requests: "
				       "try again",
				       NULL, "Retry-After", "1");
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
		return http_send_error(
			request, MHD_HTTP_CONTENT_TOO_LARGE,
			"the body is larger than 16,777,216 bytes", NULL, NULL,
			NULL);
	}
}
