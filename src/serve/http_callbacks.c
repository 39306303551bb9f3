#include "serve/http_callbacks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/recovery.h"
#include "serve/http_gzip.h"
#include "serve/http_reply.h"
#include "serve/http_text.h"
#include "serve/request_checks.h"
#include "serve/routes.h"

enum { BODY_PART = 64 << 10 };

/* Keep a part of the body; that of a refused request is discarded. */
static void keep_body(struct http_request *request, const char *bytes,
		      size_t size)
{
	size_t before = request->capacity;

	if (request->refusal == 0 && size > HTTP_MAX_BODY - request->size)
		request->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
	if (request->refusal != 0)
		return;
	request->body = alloc_grow(request->body, &request->capacity,
				   request->size + size, 1);
	if (!http_hold(request, request->capacity - before)) {
		request->refusal = MHD_HTTP_SERVICE_UNAVAILABLE;
		return;
	}
	memcpy(request->body + request->size, bytes, size);
	/* The time for a body is that of each 64 KB. */
	if ((request->size + size) / BODY_PART > request->size / BODY_PART)
		connection_enter(request->timeouts, CONNECTION_READ);
	request->size += size;
}

/* Is there a zero byte in the request's first line, or more than one blank
 * between its parts?  The library parses the line in place, and puts a zero
 * byte behind method and target: the next part follows it. */
static bool is_broken(const struct http_request *request, const char *method,
		      const char *version)
{
	return method + strlen(method) + 1 != request->target ||
	       request->target_end + 1 != version ||
	       strpbrk(request->uri, " \t") != NULL;
}

static enum MHD_Result read_head(struct http_request *request, const char *path,
				 const char *method, const char *version)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	if (info == NULL)
		return MHD_NO;
	request->routed = true;
	request->http10 = strcmp(version, "HTTP/1.0") == 0;
	request->line_is_broken = is_broken(request, method, version);
	request->line_end = version + strlen(version);
	request->head_end = method + info->header_size;
	path = http_origin_path(path, &request->authority);
	request->path = alloc_text(path, strlen(path));
	request->method = alloc_text(method, strlen(method));
	request->route = http_route(path, &request->id, &request->id_length);
	request->gzip =
		http_gzip_is_accepted(http_header(request, "Accept-Encoding"));
	request->refusal = request_find_refusal(request);
	return request_is_refused_now(request) ? request_send_refusal(request)
					       : MHD_YES;
}

/* A call of handle. */
struct handling {
	struct http_request *request;
	const char *path, *method, *version, *upload;
	size_t size; /* of upload */
	enum MHD_Result result;
};

static void do_handle(void *context)
{
	struct handling *handling = context;
	struct http_request *request = handling->request;

	handling->result = MHD_YES;
	if (!request->routed)
		handling->result =
			read_head(request, handling->path, handling->method,
				  handling->version);
	else if (handling->size > 0)
		keep_body(request, handling->upload, handling->size);
	else if (request->answered)
		return;
	else if (request->queued)
		handling->result = routes_send_reply(request);
	else if (request->refusal != 0)
		handling->result = request_send_refusal(request);
	else
		handling->result = routes_run(request);
}

/* Free what the request holds, but for its job. */
static void free_parts(struct http_request *request)
{
	free(request->body);
	free(request->path);
	free(request->method);
	free(request->authority);
	free(request->id);
	http_arguments_free(&request->arguments);
	served_model_release(request->held);
	request->body = request->path = request->method = request->id = NULL;
	request->authority = NULL;
	request->held = NULL;
}

static void undo_handle(void *context)
{
	const struct handling *handling = context;

	free_parts(handling->request);
	handling->request->failed = true;
}

/* A request for which there is no memory is read to its end, and answered with
 * what was made before. */
enum MHD_Result http_handle_request(void *unused,
				    struct MHD_Connection *connection,
				    const char *path, const char *method,
				    const char *version, const char *upload,
				    size_t *upload_size, void **context)
{
	struct http_request *request = *context;
	struct handling handling = {.request = request,
				    .path = path,
				    .method = method,
				    .version = version,
				    .upload = upload,
				    .size = *upload_size};
	bool head;

	(void)unused;
	(void)connection;
	if (request == NULL)
		return MHD_NO;
	head = !request->routed;
	*upload_size = 0;
	if (!request->failed)
		recovery_run(do_handle, &handling, undo_handle);
	if (!request->failed || request->answered)
		return handling.result;
	return head || handling.size > 0 ? MHD_YES
					 : http_send_no_memory(request);
}

void *http_begin_request(void *shared, const char *uri,
			 struct MHD_Connection *connection)
{
	const struct http_caller *caller = shared;
	struct http_request *request = alloc_or_null(1, sizeof *request);
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	size_t length = strlen(uri);

	if (request != NULL && info != NULL && info->socket_context != NULL)
		request->uri = alloc_or_null(length + 1, 1);
	if (request == NULL || request->uri == NULL) {
		free(request);
		return NULL;
	}
	memcpy(request->uri, uri, length);
	request->target = uri;
	request->target_end = uri + length;
	request->service = caller->service;
	request->wake = caller->wake;
	request->connection = connection;
	request->route = ROUTE_NONE;
	request->timeouts = info->socket_context;
	request->began = connection_clock();
	request->timeouts->request = request;
	connection_enter(request->timeouts, CONNECTION_READ);
	atomic_fetch_add(&request->service->active, 1);
	return request;
}

/* A request that ends. */
struct ending {
	const struct http_request *request;
	struct MHD_Connection *connection;
	bool abandoned; /* its header fields are freed */
	double seconds;
};

static void log_request(void *context)
{
	const struct ending *ending = context;
	const struct http_request *request = ending->request;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		ending->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *query = strchr(request->uri, '?');
	const struct access_log_entry entry = {
		.peer = info ? info->client_addr : NULL,
		.method = request->method,
		.path = request->path,
		.query = query ? query + 1 : NULL,
		.agent = ending->abandoned ? NULL
					   : http_header(request, "User-Agent"),
		.id = ending->abandoned ? NULL : http_request_id(request),
		.status = request->status,
		.bytes = request->sent,
		.seconds = ending->seconds,
		.model = request->model,
	};

	access_log_write(&request->service->log, &entry);
}

/* The line is lost. */
static void undo_log(void *context)
{
	(void)context;
}

/* Count and log the request, and free it.  abandoned: the library has freed its
 * head. */
static void close_request(struct http_request *request,
			  struct MHD_Connection *connection, bool abandoned)
{
	struct http_service *service = request->service;
	struct ending ending = {
		.request = request,
		.connection = connection,
		.abandoned = abandoned,
		.seconds = connection_clock() - request->began,
	};

	metrics_count(&service->metrics, request->route, request->status,
		      ending.seconds);
	if (service->options->log)
		recovery_run(log_request, &ending, undo_log);
	request->timeouts->request = NULL;
	connection_enter(request->timeouts, CONNECTION_IDLE);
	predict_reply_end(&request->job.reply);
	free_parts(request);
	http_release(request);
	free(request->uri);
	free(request);
	atomic_fetch_sub(&service->active, 1);
}

void http_end_request(void *shared, struct MHD_Connection *connection,
		      void **context, enum MHD_RequestTerminationCode code)
{
	struct http_request *request = *context;

	(void)shared;
	if (request == NULL)
		return;
	*context = NULL;
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && !request->answered)
		request->status = 0;
	close_request(request, connection, false);
}

/* End what is left of a connection that is closed.  The library forgets a
 * request for whose arguments it has no room. */
static void forget_connection(struct http_service *service,
			      struct MHD_Connection *connection,
			      struct connection *entry)
{
	if (entry->request != NULL)
		close_request(entry->request, connection, true);
	connection_list_remove(&service->connections, entry);
}

void http_watch_connection(void *shared, struct MHD_Connection *connection,
			   void **context,
			   enum MHD_ConnectionNotificationCode code)
{
	struct http_service *service = shared;
	const union MHD_ConnectionInfo *info;
	int fd;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(
			connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		fd = info != NULL ? info->connect_fd : -1;
		info = MHD_get_connection_info(
			connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		*context = fd >= 0 && info != NULL
				   ? connection_list_add(&service->connections,
							 fd, info->client_addr)
				   : NULL;
		/* Without memory: the library reads the end. */
		if (*context == NULL && fd >= 0)
			shutdown(fd, SHUT_RDWR);
		atomic_fetch_add(&service->metrics.connections, 1);
	} else {
		if (*context != NULL)
			forget_connection(service, connection, *context);
		*context = NULL;
		atomic_fetch_sub(&service->metrics.connections, 1);
	}
}

enum MHD_Result http_accept_client(void *shared, const struct sockaddr *address,
				   socklen_t length)
{
	struct http_service *service = shared;
	size_t limit = service->options->per_client;

	(void)length;
	if (limit == 0 && connection_is_loopback(address))
		return MHD_YES;
	if (limit == 0)
		limit = HTTP_PER_CLIENT;
	if (connection_list_count(&service->connections, address) < limit)
		return MHD_YES;
	atomic_fetch_add(&service->metrics.refused_connections, 1);
	return MHD_NO;
}
