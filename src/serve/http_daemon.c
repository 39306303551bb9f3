#include "serve/http_daemon.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/recovery.h"
#include "serve/http_gzip.h"
#include "serve/http_reply.h"
#include "serve/http_text.h"
#include "serve/request_checks.h"
#include "serve/routes.h"

enum {
	MAX_HEAD = 32 << 10, /* of a request's head, and its buffer */
	BODY_PART = 64 << 10,
	WAIT_MILLISECONDS = 50
};

struct http_poller {
	struct MHD_Daemon *daemon;
	struct http_service *service;
	pthread_t thread;
	int epoll; /* the daemon's */
	int wake;  /* an eventfd: a connection was resumed */
	int listener;
	atomic_bool stop, stopped, end;
};

/* ---------------------------------------------------------------- requests */

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

/* Called by the library for the head, for each part of the body, for its end,
 * and when a suspended connection is resumed.  A request for which there is no
 * memory is read to its end, and answered with what was made before. */
static enum MHD_Result handle(void *unused, struct MHD_Connection *connection,
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

/* NULL where there is no memory: then handle closes the connection. */
static void *begin_request(void *shared, const char *uri,
			   struct MHD_Connection *connection)
{
	const struct http_poller *poller = shared;
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
	request->service = poller->service;
	request->wake = poller->wake;
	request->connection = connection;
	request->route = ROUTE_NONE;
	request->timeouts = info->socket_context;
	request->began = connection_clock();
	connection_enter(request->timeouts, CONNECTION_READ);
	atomic_fetch_add(&request->service->active, 1);
	return request;
}

/* A request that ends. */
struct ending {
	const struct http_request *request;
	double seconds;
};

static void log_request(void *context)
{
	const struct ending *ending = context;
	const struct http_request *request = ending->request;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *query = strchr(request->uri, '?');
	const struct access_log_entry entry = {
		.peer = info ? info->client_addr : NULL,
		.method = request->method,
		.path = request->path,
		.query = query ? query + 1 : NULL,
		.agent = http_header(request, "User-Agent"),
		.id = http_request_id(request),
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

static void end_request(void *shared, struct MHD_Connection *connection,
			void **context, enum MHD_RequestTerminationCode code)
{
	struct http_service *service = shared;
	struct http_request *request = *context;
	struct ending ending = {request, 0};

	(void)connection;
	if (request == NULL)
		return;
	*context = NULL;
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && !request->answered)
		request->status = 0;
	ending.seconds = connection_clock() - request->began;
	metrics_count(&service->metrics, request->route, request->status,
		      ending.seconds);
	if (service->options->log)
		recovery_run(log_request, &ending, undo_log);
	connection_enter(request->timeouts, CONNECTION_IDLE);
	predict_reply_end(&request->job.reply);
	free_parts(request);
	http_release(request);
	free(request->uri);
	free(request);
	atomic_fetch_sub(&service->active, 1);
}

/* ------------------------------------------------------------- connections */

static void watch_connection(void *shared, struct MHD_Connection *connection,
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
			connection_list_remove(&service->connections, *context);
		*context = NULL;
		atomic_fetch_sub(&service->metrics.connections, 1);
	}
}

/* May this client have one connection more?  A proxy on this machine is many
 * clients: unless an option says so, there is no limit for it. */
static enum MHD_Result
accept_client(void *shared, const struct sockaddr *address, socklen_t length)
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

/* Paths and arguments are taken as they come: an escaped slash in a part of a
 * path is no slash. */
static size_t leave_escaped(void *unused, struct MHD_Connection *connection,
			    char *text)
{
	(void)unused;
	(void)connection;
	return strlen(text);
}

/* The library's messages quote requests. */
static void discard_message(void *unused, const char *format, va_list arguments)
{
	(void)unused;
	(void)format;
	(void)arguments;
}

/* ----------------------------------------------------------------- pollers */

static struct MHD_Daemon *start_daemon(struct http_poller *poller, int fd,
				       unsigned connections)
{
	struct http_service *service = poller->service;

	struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)discard_message, NULL},
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, connections, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, MAX_HEAD, NULL},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)end_request, service},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)watch_connection,
		 service},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)begin_request, poller},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
		{MHD_OPTION_END, 0, NULL}};

	struct MHD_Daemon *daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0,
				 accept_client, service, handle, NULL,
				 MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	const union MHD_DaemonInfo *info =
		daemon == NULL
			? NULL
			: MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);

	poller->epoll = info != NULL ? info->epoll_fd : -1;
	if (daemon == NULL || info != NULL)
		return daemon;
	MHD_quiesce_daemon(daemon);
	MHD_stop_daemon(daemon);
	return NULL;
}

/* Accept what was connected before now, and no more. */
static void stop_accepting(struct http_poller *poller)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	int fd;

	MHD_quiesce_daemon(poller->daemon);
	while ((fd = accept4(poller->listener, (struct sockaddr *)&peer,
			     &length, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		MHD_add_connection(poller->daemon, fd, (struct sockaddr *)&peer,
				   length);
		length = sizeof peer;
	}
}

/* Wait until the daemon has something to do. */
static void wait_for_events(const struct http_poller *poller)
{
	struct pollfd files[] = {{.fd = poller->epoll, .events = POLLIN},
				 {.fd = poller->wake, .events = POLLIN}};
	MHD_UNSIGNED_LONG_LONG due;
	int wait = WAIT_MILLISECONDS;
	uint64_t wakes;

	if (MHD_get_timeout(poller->daemon, &due) == MHD_YES &&
	    due < WAIT_MILLISECONDS)
		wait = (int)due;
	if (poll(files, 2, wait) > 0 && files[1].revents != 0 &&
	    read(poller->wake, &wakes, sizeof wakes) < 0)
		return;
}

static void *drive(void *shared)
{
	struct http_poller *poller = shared;

	while (!atomic_load(&poller->end)) {
		if (atomic_load(&poller->stop) &&
		    !atomic_load(&poller->stopped)) {
			stop_accepting(poller);
			atomic_store(&poller->stopped, true);
		}
		wait_for_events(poller);
		MHD_run(poller->daemon);
	}
	return NULL;
}

/* Start a poller, the given number of them, whose other members are set. */
static const char *start_poller(struct http_poller *poller, unsigned number,
				unsigned connections)
{
	const char *error;

	poller->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (poller->wake >= 0)
		poller->daemon =
			start_daemon(poller, poller->listener, connections);
	if (poller->daemon == NULL)
		error = error_text("cannot start the HTTP server: %s",
				   strerror(errno));
	else if (pthread_create(&poller->thread, NULL, drive, poller) != 0)
		error = error_text("cannot start thread %u", number);
	else
		return NULL;
	if (poller->daemon != NULL) {
		/* Ended so, it leaves the socket open for the others. */
		MHD_quiesce_daemon(poller->daemon);
		MHD_stop_daemon(poller->daemon);
	}
	if (poller->wake >= 0)
		close(poller->wake);
	return error;
}

const char *http_daemon_begin(struct http_daemon *http,
			      struct http_service *service, int fd,
			      unsigned count, unsigned connections)
{
	const char *error = NULL;

	*http = (struct http_daemon){
		.fd = fd, .pollers = alloc(count, sizeof *http->pollers)};
	while (error == NULL && http->count < count) {
		struct http_poller *poller = &http->pollers[http->count];

		poller->listener = fd;
		poller->service = service;
		error = start_poller(poller, http->count + 1,
				     (connections + count - 1) / count);
		http->count += error == NULL;
	}
	if (error != NULL) {
		http_daemon_stop_listening(http);
		http_daemon_end(http);
	}
	return error;
}

void http_daemon_stop_listening(struct http_daemon *http)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < http->count; i++)
		atomic_store(&http->pollers[i].stop, true);
	for (unsigned i = 0; i < http->count; i++)
		while (!atomic_load(&http->pollers[i].stopped))
			nanosleep(&moment, NULL);
	close(http->fd);
}

void http_daemon_end(struct http_daemon *http)
{
	for (unsigned i = 0; i < http->count; i++) {
		struct http_poller *poller = &http->pollers[i];

		atomic_store(&poller->end, true);
		pthread_join(poller->thread, NULL);
		MHD_stop_daemon(poller->daemon);
		close(poller->wake);
	}
	free(http->pollers);
}
