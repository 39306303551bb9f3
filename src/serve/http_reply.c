#include "serve/http_reply.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/recovery.h"
#include "serve/http_gzip.h"
#include "serve/predict_reply.h"
#include "serve/static_files.h"

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
					   name);
}

bool http_hold(struct http_request *request, size_t bytes)
{
	atomic_size_t *held = &request->service->held;

	if (bytes > 0 && atomic_load(held) > HTTP_MAX_HELD)
		return false;
	atomic_fetch_add(held, bytes);
	request->held_bytes += bytes;
	return true;
}

void http_release(struct http_request *request)
{
	atomic_fetch_sub(&request->service->held, request->held_bytes);
	request->held_bytes = 0;
}

const char *http_request_id(const struct http_request *request)
{
	enum { MAX_ID = 128 };
	const char *id = http_header(request, "X-Request-Id");
	size_t length = id ? strlen(id) : 0;

	if (length == 0 || length > MAX_ID)
		return NULL;
	for (size_t i = 0; i < length; i++)
		if (id[i] <= ' ' || id[i] > '~')
			return NULL;
	return id;
}

void http_add_header(struct http_request *request,
		     struct MHD_Response *response, const char *name,
		     const char *value)
{
	if (response == NULL ||
	    MHD_add_response_header(response, name, value) != MHD_YES)
		request->failed = true;
}

void http_add_cached(struct http_request *request,
		     struct MHD_Response *response, const char *etag)
{
	if (etag != NULL)
		http_add_header(request, response, "ETag", etag);
	http_add_header(request, response, "Cache-Control", "no-cache");
	http_add_header(request, response, "Vary", "Accept, Accept-Encoding");
}

static void add_common(struct http_request *request,
		       struct MHD_Response *response, const char *type)
{
	http_add_header(request, response, "Content-Type", type);
	http_add_header(request, response, "X-Content-Type-Options", "nosniff");
	http_add_header(request, response, "Referrer-Policy", "no-referrer");
	if (atomic_load(&request->service->draining))
		http_add_header(request, response, "Connection", "close");
}

/* Header fields that do not depend on the reply. */
static void add_of_request(struct http_request *request,
			   struct MHD_Response *response)
{
	const char *origin = request->service->options->origin;
	const char *id = http_request_id(request);

	if (id != NULL)
		http_add_header(request, response, "X-Request-Id", id);
	if (origin == NULL)
		return;
	http_add_header(request, response, "Access-Control-Allow-Origin",
			origin);
	http_add_header(request, response, "Access-Control-Expose-Headers",
			"ETag, Retry-After, X-Model, X-Model-Date, X-Note, "
			"X-Recall, X-Request-Id");
}

/* A response of bytes, which the library frees or which live on; NULL where
 * there is no memory, and no header can be added to that. */
static struct MHD_Response *create(const void *bytes, size_t size,
				   enum MHD_ResponseMemoryMode mode)
{
	return MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes,
					       mode);
}

struct MHD_Response *http_response(struct http_request *request,
				   struct output *body, const char *type)
{
	bool zipped = request->zipped || (request->gzip && http_gzip(body));
	struct MHD_Response *response =
		create(body->buffer, body->held, MHD_RESPMEM_MUST_FREE);

	request->sent = body->held;
	if (response == NULL)
		free(body->buffer);
	else
		recovery_forget(body->buffer);
	*body = (struct output){0};
	add_common(request, response, type);
	if (zipped)
		http_add_header(request, response, "Content-Encoding", "gzip");
	return response;
}

enum MHD_Result http_send(struct http_request *request, int status,
			  struct MHD_Response *response)
{
	return http_send_kept(request, status, response, NULL);
}

enum MHD_Result http_send_kept(struct http_request *request, int status,
			       struct MHD_Response *response, const char *model)
{
	enum MHD_Result result;

	if (response != NULL)
		add_of_request(request, response);
	if (response == NULL || request->failed) {
		MHD_destroy_response(response);
		return http_send_no_memory(request);
	}
	result = MHD_queue_response(request->connection, (unsigned)status,
				    response);
	request->status = status;
	request->answered = true;
	connection_enter(request->timeouts, CONNECTION_SEND);
	if (model != NULL && request->key_length > 0 && status == MHD_HTTP_OK)
		reply_cache_put(&request->service->cache, model, request->key,
				request->key_length, response, request->sent);
	else
		MHD_destroy_response(response);
	return result;
}

static const char no_memory[] =
	"{\"error\": \"out of memory: try again\", \"field\": null}\n";

struct MHD_Response *http_no_memory_response(void)
{
	struct MHD_Response *response =
		create(no_memory, strlen(no_memory), MHD_RESPMEM_PERSISTENT);

	if (response == NULL)
		return NULL;
	if (!MHD_add_response_header(response, "Content-Type",
				     predict_reply_json) ||
	    !MHD_add_response_header(response, "Cache-Control", "no-store") ||
	    !MHD_add_response_header(response, "Retry-After", "1")) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

enum MHD_Result http_send_no_memory(struct http_request *request)
{
	request->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	request->answered = true;
	request->sent = strlen(no_memory);
	connection_enter(request->timeouts, CONNECTION_SEND);
	return MHD_queue_response(request->connection,
				  MHD_HTTP_SERVICE_UNAVAILABLE,
				  request->service->no_memory);
}

enum MHD_Result http_send_body(struct http_request *request, int status,
			       const char *type, struct output *body)
{
	struct MHD_Response *response = http_response(request, body, type);

	http_add_header(request, response, "Cache-Control", "no-store");
	return http_send(request, status, response);
}

enum MHD_Result http_send_overload(struct http_request *request)
{
	return http_send_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			       "too many requests or replies wait: try again",
			       NULL, "Retry-After", "1");
}

enum MHD_Result http_send_large_body(struct http_request *request,
				     const char *type, struct output *body)
{
	if (!http_hold(request, body->room)) {
		free(body->buffer);
		return http_send_overload(request);
	}
	return http_send_body(request, MHD_HTTP_OK, type, body);
}

enum MHD_Result http_send_text(struct http_request *request, int status,
			       const char *text)
{
	struct output body;

	output_memory(&body);
	output_text(&body, text);
	return http_send_body(request, status, "text/plain; charset=utf-8",
			      &body);
}

enum MHD_Result http_send_error(struct http_request *request, int status,
				const char *error, const char *field,
				const char *name, const char *value)
{
	struct MHD_Response *response;
	struct output body;

	request->zipped = false; /* the body of the job is not sent */
	output_memory(&body);
	predict_reply_error(&body, error, field);
	response = http_response(request, &body, predict_reply_json);
	http_add_header(request, response, "Cache-Control", "no-store");
	if (name != NULL)
		http_add_header(request, response, name, value);
	return http_send(request, status, response);
}

enum MHD_Result http_send_file(struct http_request *request)
{
	const struct static_file *file = static_file_find(request->path);
	struct MHD_Response *response;
	struct output body;

	output_memory(&body);
	output_write(&body, file->bytes, (size_t)(file->end - file->bytes));
	if (!http_hold(request, body.room)) {
		free(body.buffer);
		return http_send_overload(request);
	}
	response = http_response(request, &body, file->type);
	http_add_header(request, response, "Vary", "Accept-Encoding");
	http_add_header(request, response, "Cache-Control", "no-cache");
	http_add_header(request, response, "Content-Security-Policy",
			"default-src 'self'; img-src 'self' data:; object-src "
			"'none'; base-uri 'none'; form-action 'none'; "
			"frame-ancestors 'none'");
	return http_send(request, MHD_HTTP_OK, response);
}

enum MHD_Result http_send_unmodified(struct http_request *request,
				     const char *etag)
{
	struct MHD_Response *response = create("", 0, MHD_RESPMEM_PERSISTENT);

	http_add_cached(request, response, etag);
	return http_send(request, MHD_HTTP_NOT_MODIFIED, response);
}

enum MHD_Result http_send_preflight(struct http_request *request)
{
	struct MHD_Response *response = create("", 0, MHD_RESPMEM_PERSISTENT);

	/* Of the service as a whole. */
	if (strcmp(request->uri, "*") == 0)
		http_add_header(request, response, "Allow",
				"GET, HEAD, POST, OPTIONS");
	if (request->service->options->origin == NULL)
		return http_send(request, MHD_HTTP_NO_CONTENT, response);
	http_add_header(request, response, "Access-Control-Allow-Methods",
			"GET, HEAD, POST");
	http_add_header(request, response, "Access-Control-Allow-Headers",
			"Authorization, Content-Type, If-None-Match, "
			"X-Request-Id");
	http_add_header(request, response, "Access-Control-Max-Age", "600");
	return http_send(request, MHD_HTTP_NO_CONTENT, response);
}
