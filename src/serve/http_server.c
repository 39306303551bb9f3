#include "serve/http_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "serve/predict_reply.h"
#include "serve/connection_timeouts.h"
#include "serve/model_reload.h"
#include "base/errors.h"
#include "serve/batch_queue.h"
#include "serve/metrics.h"
#include "base/number.h"
#include "text/json_writer.h"
#include "text/percent.h"
#include "serve/http_text.h"
#include "serve/static_files.h"

/* Limits, each with its reason. */
enum {
	MOST_BODY = 64 << 10,      /* a thousand ids, and lists of as many */
	MOST_FORGOTTEN = 16 << 20, /* of a body that is refused: read, so that
				      the client hears why */
	MOST_HEAD = 32 << 10,      /* of a connection's head, and its buffer */
	MOST_CONNECTIONS = 4096,
	MOST_WAITING = 1024, /* a second's work of a small machine */
	MOST_LISTED = 1000,  /* customers of one listing */
	DEFAULT_LISTED = 20,
	BACKLOG = 1024,
	IO_THREADS_PER = 4, /* threads that answer, for each that reads */
	TICK_MILLISECONDS = 250,
	TAG_ROOM = 48,    /* quotes, two sums, "-csv" */
	DRAIN_SECONDS = 4 /* of the five that are promised */
};

static struct server {
	const struct http_server_options *choices;
	struct MHD_Daemon *daemon;
	struct metrics metrics;
	struct model_reload current;
	struct batch_queue jobs;
	atomic_bool draining; /* it ends when no request is under way */
	atomic_bool closing;  /* none is begun any more */
	atomic_long active;   /* requests under way */
	char names[18];       /* of a tag: "-" and the sum of names shown */
	pthread_mutex_t log_lock;
} server = {.log_lock = PTHREAD_MUTEX_INITIALIZER};

struct request {
	struct batch_job job; /* first: a job is its request */
	struct MHD_Connection *connection;
	struct connection *watched;
	double began;
	enum route route;
	bool routed, answered;
	char *id; /* of a path */
	size_t id_length;
	char *path, *method; /* for the log */
	char *body;
	size_t size, room;
	int refusal; /* the status, where it is refused unread; 0: it is not */
	bool csv;
	bool unheard; /* too many others wait */
	int status;
	size_t sent;
	char model[17];
};

/* -------------------------------------------------------------------- reply */

static const char *header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
					   name);
}

static const char *argument(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection,
					   MHD_GET_ARGUMENT_KIND, name);
}

static void add_header(struct MHD_Response *response, const char *name,
		       const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		warn("cannot add the header %s", name);
}

static void add_common(struct MHD_Response *response, const char *type)
{
	add_header(response, "Content-Type", type);
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "Referrer-Policy", "no-referrer");
	if (atomic_load(&server.draining))
		add_header(response, "Connection", "close");
}

static enum MHD_Result send_response(struct request *request, int status,
				     struct MHD_Response *response)
{
	enum MHD_Result result = MHD_queue_response(request->connection,
						    (unsigned)status, response);

	request->status = status;
	request->answered = true;
	connections_enter(request->watched, PHASE_SEND);
	MHD_destroy_response(response);
	return result;
}

/* A body whose buffer is given away. */
static struct MHD_Response *make_response(struct request *request,
					  struct output *body, const char *type)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		body->held, body->buffer, MHD_RESPMEM_MUST_FREE);

	if (response == NULL)
		die("out of memory");
	request->sent = body->held;
	*body = (struct output){0};
	add_common(response, type);
	return response;
}

static enum MHD_Result send_body(struct request *request, int status,
				 const char *type, struct output *body)
{
	struct MHD_Response *response = make_response(request, body, type);

	add_header(response, "Cache-Control", "no-store");
	return send_response(request, status, response);
}

static enum MHD_Result send_error(struct request *request, int status,
				  const char *error, const char *field,
				  const char *name, const char *value)
{
	struct output body;

	output_memory(&body);
	predict_reply_error(&body, error, field);
	struct MHD_Response *response =
		make_response(request, &body, predict_reply_json);
	add_header(response, "Cache-Control", "no-store");
	if (name != NULL)
		add_header(response, name, value);
	return send_response(request, status, response);
}

/* ------------------------------------------------------------ simple routes */

static enum MHD_Result send_web(struct request *request)
{
	const struct static_file *web = static_file_find(request->path);
	struct MHD_Response *response;

	request->sent = (size_t)(web->end - web->bytes);
	response = MHD_create_response_from_buffer(
		request->sent, (void *)(uintptr_t)web->bytes,
		MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		die("out of memory");
	add_common(response, web->type);
	add_header(response, "Cache-Control", "no-cache");
	add_header(response, "Content-Security-Policy",
		   "default-src 'self'; img-src 'self' data:; object-src "
		   "'none'; base-uri 'none'; form-action 'none'; "
		   "frame-ancestors 'none'");
	return send_response(request, MHD_HTTP_OK, response);
}

static enum MHD_Result send_text(struct request *request, int status,
				 const char *text)
{
	struct output body;

	output_memory(&body);
	output_text(&body, text);
	return send_body(request, status, "text/plain; charset=utf-8", &body);
}

static enum MHD_Result send_ready(struct request *request)
{
	if (atomic_load(&server.draining))
		return send_text(request, MHD_HTTP_SERVICE_UNAVAILABLE,
				 "draining\n");
	return send_text(request, MHD_HTTP_OK, "ready\n");
}

static enum MHD_Result send_metrics(struct request *request)
{
	struct served_model *loaded = model_reload_hold(&server.current);
	const struct metrics_model model = {
		.id = loaded->id,
		.age = difftime(time(NULL), loaded->time),
		.customers = loaded->model->matrix.n,
		.tags = loaded->model->matrix.m,
	};
	struct output body;

	output_memory(&body);
	atomic_store(&server.metrics.waiting,
		     (long)batch_queue_waiting(&server.jobs));
	metrics_write(&server.metrics, &model, &body);
	served_model_release(loaded);
	return send_body(request, MHD_HTTP_OK,
			 "text/plain; version=0.0.4; charset=utf-8", &body);
}

static enum MHD_Result send_model(struct request *request)
{
	struct served_model *loaded = model_reload_hold(&server.current);
	struct output body;

	output_memory(&body);
	predict_reply_model(&body, loaded);
	served_model_release(loaded);
	return send_body(request, MHD_HTTP_OK, predict_reply_json, &body);
}

static enum MHD_Result send_customers(struct request *request)
{
	const char *given = argument(request, "prefix");
	const char *count = argument(request, "limit");
	char *prefix =
		alloc_text(given ? given : "", given ? strlen(given) : 0);
	size_t length = percent_decode(prefix, strlen(prefix), true);
	int64_t limit = DEFAULT_LISTED;
	struct output body;

	if (length == SIZE_MAX) {
		free(prefix);
		return send_error(request, MHD_HTTP_BAD_REQUEST,
				  "prefix: expected two hexadecimal digits, "
				  "not 00, behind a %",
				  "prefix", NULL, NULL);
	}
	if (count != NULL && !number_integer(count, 1, MOST_LISTED, &limit)) {
		free(prefix);
		return send_error(request, MHD_HTTP_BAD_REQUEST,
				  "limit: expected a whole number from 1 to "
				  "1000",
				  "limit", NULL, NULL);
	}
	struct served_model *loaded = model_reload_hold(&server.current);
	output_memory(&body);
	predict_reply_customers(&body, loaded, &server.choices->labels, prefix,
				length, (size_t)limit);
	served_model_release(loaded);
	free(prefix);
	return send_body(request, MHD_HTTP_OK, predict_reply_json, &body);
}

/* -------------------------------------------------------------------- jobs */

/* Read what is asked of one customer: by the path and its arguments. */
static bool read_similar(const struct request *request,
			 struct predict_request *ask)
{
	return predict_request_similar(
		ask, request->id, request->id_length, argument(request, "n"),
		argument(request, "metric"), server.choices->suggest);
}

/* Read the ask of the job, of the model that it has. */
static void read_job(struct batch_job *job)
{
	struct request *request = (struct request *)job;
	struct predict_request *ask = &job->answer.ask;

	memcpy(request->model, ask->loaded->id, sizeof request->model);
	if (request->route == ROUTE_PREDICT)
		predict_request_predict(ask, request->body, request->size,
					server.choices->suggest);
	else
		read_similar(request, ask);
}

static void finish_job(struct batch_job *job)
{
	MHD_resume_connection(((struct request *)job)->connection);
}

/* What a representation is of: the model, the names shown beside it, and the
 * way it is written. */
static void write_tag(char tag[TAG_ROOM], const char *id, bool csv)
{
	snprintf(tag, TAG_ROOM, "\"%s%s%s\"", id, server.names,
		 csv ? "-csv" : "");
}

/* What may be kept of an answer: as long as asking again says that it holds. */
static void add_cached(struct MHD_Response *response, const char *tag)
{
	if (tag != NULL)
		add_header(response, "ETag", tag);
	add_header(response, "Cache-Control", "no-cache");
	add_header(response, "Vary", "Accept");
}

static enum MHD_Result send_not_modified(struct request *request,
					 const char *tag)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);

	if (response == NULL)
		die("out of memory");
	add_cached(response, tag);
	return send_response(request, MHD_HTTP_NOT_MODIFIED, response);
}

/* Has the client what the model that answers now would say, and is it asked
 * rightly? */
static bool is_known(const struct request *request, char tag[TAG_ROOM])
{
	const char *known = header(request, "If-None-Match");
	struct served_model *loaded;
	struct predict_request ask;
	bool same;

	if (known == NULL)
		return false;
	loaded = model_reload_hold(&server.current);
	predict_request_begin(&ask, loaded);
	write_tag(tag, loaded->id, request->csv);
	same = http_etag_matches(known, tag) && read_similar(request, &ask);
	predict_request_end(&ask);
	served_model_release(loaded);
	return same;
}

static enum MHD_Result send_overload(struct request *request)
{
	return send_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			  "too many requests wait: try again", NULL,
			  "Retry-After", "1");
}

/* Hand the request to those who answer. */
static enum MHD_Result work(struct request *request)
{
	struct batch_job *job = &request->job;
	char tag[TAG_ROOM];

	request->csv = http_wants_csv(header(request, "Accept"));
	if (request->route == ROUTE_SIMILAR && is_known(request, tag))
		return send_not_modified(request, tag);
	job->answer.labels = &server.choices->labels;
	job->answer.csv = request->csv;
	job->read = read_job;
	job->done = finish_job;
	if (atomic_load(&server.closing))
		return send_overload(request);
	connections_enter(request->watched, PHASE_WORK);
	MHD_suspend_connection(request->connection);
	if (!batch_queue_add(&server.jobs, job)) {
		request->unheard = true;
		finish_job(job);
	}
	return MHD_YES;
}

static enum MHD_Result send_answer(struct request *request)
{
	struct predict_reply *answer = &request->job.answer;
	struct MHD_Response *response =
		make_response(request, &answer->body, answer->type);
	bool tagged = request->route == ROUTE_SIMILAR &&
		      answer->status == MHD_HTTP_OK;
	char tag[TAG_ROOM];

	write_tag(tag, request->model, request->csv);
	add_cached(response, tagged ? tag : NULL);
	add_header(response, "X-Model", request->model);
	add_header(response, "X-Model-Date", answer->ask.loaded->made);
	return send_response(request, answer->status, response);
}

/* A profile takes no search. */
static enum MHD_Result send_customer(struct request *request)
{
	struct predict_reply *answer = &request->job.answer;
	struct served_model *loaded = model_reload_hold(&server.current);

	answer->labels = &server.choices->labels;
	predict_request_begin(&answer->ask, loaded);
	served_model_release(loaded);
	if (predict_request_similar(&answer->ask, request->id,
				    request->id_length, NULL, NULL,
				    server.choices->suggest))
		predict_reply_profile(answer);
	else
		predict_reply_write(answer);
	return send_body(request, answer->status, answer->type, &answer->body);
}

/* ------------------------------------------------------------------- routes */

static bool is_get(const struct request *request)
{
	return strcmp(request->method, "GET") == 0 ||
	       strcmp(request->method, "HEAD") == 0;
}

static bool is_open(enum route route)
{
	return route == ROUTE_PAGE || route == ROUTE_HEALTH ||
	       route == ROUTE_READY || route == ROUTE_OPENAPI ||
	       route == ROUTE_NONE;
}

/* The length of the body that the head gives; 0 where it gives none, and one
 * beyond the largest that is forgotten where it is no smaller. */
static int64_t body_length(const struct request *request)
{
	const char *text = header(request, "Content-Length");
	int64_t length = 0;

	if (text != NULL && !number_integer(text, 0, MOST_FORGOTTEN, &length))
		length = MOST_FORGOTTEN + 1;
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

/* Does the head say in two ways where the body ends?  A proxy before us might
 * take the other, and what we take for a next request for a part of this. */
static bool is_ambiguous(const struct request *request)
{
	int count = 0;

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND,
				  count_length, &count);
	return count > 1;
}

/* The status that a request is refused with for its head alone; 0: it is not.
 */
static int find_refusal(const struct request *request)
{
	if (is_ambiguous(request))
		return MHD_HTTP_BAD_REQUEST;
	if (server.choices->token != NULL && !is_open(request->route) &&
	    !http_token_matches(header(request, "Authorization"),
				server.choices->token))
		return MHD_HTTP_UNAUTHORIZED;
	if (request->route == ROUTE_NONE)
		return MHD_HTTP_NOT_FOUND;
	if (request->route == ROUTE_PREDICT
		    ? strcmp(request->method, "POST") != 0
		    : !is_get(request))
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	return body_length(request) > MOST_BODY ? MHD_HTTP_CONTENT_TOO_LARGE
						: 0;
}

static enum MHD_Result send_refusal(struct request *request)
{
	bool predict = request->route == ROUTE_PREDICT;

	switch (request->refusal) {
	case MHD_HTTP_BAD_REQUEST:
		return send_error(request, request->refusal,
				  "the head says twice where the body ends",
				  NULL, "Connection", "close");
	case MHD_HTTP_UNAUTHORIZED:
		return send_error(request, request->refusal,
				  "a bearer token is asked for", NULL,
				  "WWW-Authenticate", "Bearer");
	case MHD_HTTP_NOT_FOUND:
		return send_error(request, request->refusal,
				  "no such path: see /openapi.json", NULL, NULL,
				  NULL);
	case MHD_HTTP_METHOD_NOT_ALLOWED:
		return send_error(request, request->refusal,
				  predict ? "expected the method POST"
					  : "expected the method GET",
				  NULL, "Allow",
				  predict ? "POST" : "GET, HEAD");
	default:
		return send_error(request, MHD_HTTP_CONTENT_TOO_LARGE,
				  "the body is larger than 65,536 bytes", NULL,
				  NULL, NULL);
	}
}

/* What is refused is answered when its body has come, for who is still sending
 * would see a broken connection rather than the answer; but at once where the
 * client waits for it, where there is too much to come, or no telling how
 * much. */
static bool is_refused_now(const struct request *request)
{
	return request->refusal != 0 && (header(request, "Expect") != NULL ||
					 body_length(request) > MOST_FORGOTTEN);
}

static enum MHD_Result route(struct request *request)
{
	switch (request->route) {
	case ROUTE_PREDICT:
	case ROUTE_SIMILAR:
		return work(request);
	case ROUTE_CUSTOMER:
		return send_customer(request);
	case ROUTE_CUSTOMERS:
		return send_customers(request);
	case ROUTE_MODEL:
		return send_model(request);
	case ROUTE_PAGE:
	case ROUTE_OPENAPI:
		return send_web(request);
	case ROUTE_HEALTH:
		return send_text(request, MHD_HTTP_OK, "ok\n");
	case ROUTE_READY:
		return send_ready(request);
	case ROUTE_METRICS:
		return send_metrics(request);
	case ROUTE_NONE:
	case ROUTES:
		break;
	}
	return MHD_NO;
}

/* Keep a part of the body; that of what is refused is read and forgotten. */
static void keep_body(struct request *request, const char *bytes, size_t size)
{
	if (request->refusal == 0 && size > MOST_BODY - request->size)
		request->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
	if (request->refusal != 0)
		return;
	request->body = alloc_grow(request->body, &request->room,
				   request->size + size, 1);
	memcpy(request->body + request->size, bytes, size);
	request->size += size;
}

/* Called for the head, for each part of the body, for its end, and after work.
 */
static enum MHD_Result handle(void *unused, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_size, void **context)
{
	struct request *request = *context;

	(void)unused;
	(void)connection;
	(void)version;
	if (!request->routed) {
		request->routed = true;
		request->path = alloc_text(url, strlen(url));
		request->method = alloc_text(method, strlen(method));
		request->route =
			http_route(url, &request->id, &request->id_length);
		request->refusal = find_refusal(request);
		return is_refused_now(request) ? send_refusal(request)
					       : MHD_YES;
	}
	if (*upload_size > 0) {
		keep_body(request, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (request->answered)
		return MHD_YES;
	if (request->unheard)
		return send_overload(request);
	if (request->job.done != NULL)
		return send_answer(request);
	if (request->refusal != 0)
		return send_refusal(request);
	return route(request);
}

/* ---------------------------------------------------------------------- log */

static void put_peer(struct output *line, const struct request *request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char text[NI_MAXHOST] = "";

	if (info != NULL && info->client_addr != NULL)
		getnameinfo(info->client_addr,
			    info->client_addr->sa_family == AF_INET6
				    ? sizeof(struct sockaddr_in6)
				    : sizeof(struct sockaddr_in),
			    text, sizeof text, NULL, 0, NI_NUMERICHOST);
	json_write_string(line, text, strlen(text));
}

static void write_log(const struct request *request, double seconds)
{
	struct output line;
	struct timespec now;
	struct tm when;
	char stamp[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &when);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &when);
	output_memory(&line);
	output_print(&line, "{\"time\": \"%s.%03ldZ\", \"peer\": ", stamp,
		     now.tv_nsec / 1000000);
	put_peer(&line, request);
	output_text(&line, ", \"method\": ");
	json_write_string(&line, request->method ? request->method : "",
			  request->method ? strlen(request->method) : 0);
	output_text(&line, ", \"path\": ");
	json_write_string(&line, request->path ? request->path : "",
			  request->path ? strlen(request->path) : 0);
	output_print(&line,
		     ", \"status\": %d, \"bytes\": %zu, \"ms\": %.3f, "
		     "\"model\": \"%s\"}\n",
		     request->status, request->sent, seconds * 1e3,
		     request->model);
	pthread_mutex_lock(&server.log_lock);
	fwrite(line.buffer, 1, line.held, stdout);
	fflush(stdout);
	pthread_mutex_unlock(&server.log_lock);
	free(line.buffer);
}

/* -------------------------------------------------------------- connections */

static void *begin_request(void *unused, const char *uri,
			   struct MHD_Connection *connection)
{
	struct request *request = alloc(1, sizeof *request);
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	(void)unused;
	(void)uri;
	request->connection = connection;
	request->route = ROUTE_NONE;
	request->watched = info->socket_context;
	request->began = connections_now();
	connections_enter(request->watched, PHASE_READ);
	atomic_fetch_add(&server.active, 1);
	return request;
}

static void end_request(void *unused, struct MHD_Connection *connection,
			void **context, enum MHD_RequestTerminationCode code)
{
	struct request *request = *context;
	double seconds;

	(void)unused;
	(void)connection;
	if (request == NULL)
		return;
	*context = NULL;
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && !request->answered)
		request->status = 0;
	seconds = connections_now() - request->began;
	metrics_count(&server.metrics, request->route, request->status,
		      seconds);
	if (server.choices->log)
		write_log(request, seconds);
	connections_enter(request->watched, PHASE_IDLE);
	predict_reply_end(&request->job.answer);
	free(request->body);
	free(request->path);
	free(request->method);
	free(request->id);
	free(request);
	atomic_fetch_sub(&server.active, 1);
}

static void watch_connection(void *unused, struct MHD_Connection *connection,
			     void **context,
			     enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;

	(void)unused;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(
			connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = connections_open(info->connect_fd);
		atomic_fetch_add(&server.metrics.connections, 1);
	} else if (*context != NULL) {
		connections_close(*context);
		*context = NULL;
		atomic_fetch_sub(&server.metrics.connections, 1);
	}
}

/* Paths and arguments are taken as they come: what is escaped in a part of a
 * path is no slash. */
static size_t leave_escaped(void *unused, struct MHD_Connection *connection,
			    char *text)
{
	(void)unused;
	(void)connection;
	return strlen(text);
}

/* The library's own words quote requests. */
static void say_nothing(void *unused, const char *format, va_list arguments)
{
	(void)unused;
	(void)format;
	(void)arguments;
}

/* ---------------------------------------------------------------- beginning */

/* A socket that listens there, or -1. */
static int listen_at(const struct addrinfo *place)
{
	int one = 1, kept;
	int fd = socket(place->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, place->ai_addr, place->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	kept = errno;
	close(fd);
	errno = kept;
	return -1;
}

/* Listen on the address, on the first of several (of a name) where that can be
 * done. */
static int listen_on(const char *address, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found;
	int error = getaddrinfo(address, port, &hints, &found), fd = -1;

	if (error != 0)
		die("%s: %s", address, gai_strerror(error));
	for (struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next)
		fd = listen_at(a);
	if (fd < 0)
		die("%s, port %s: %s", address, port, strerror(errno));
	freeaddrinfo(found);
	return fd;
}

/* How many connections there are descriptors for. */
static unsigned count_connections(void)
{
	enum { OTHERS = 64 }; /* descriptors of other things */
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return MOST_CONNECTIONS / 8;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < 2 * OTHERS)
		die("only %llu files may be open",
		    (unsigned long long)limit.rlim_cur);
	return limit.rlim_cur < MOST_CONNECTIONS + OTHERS
		       ? (unsigned)limit.rlim_cur - OTHERS
		       : MOST_CONNECTIONS;
}

static struct MHD_Daemon *start(int fd, unsigned threads)
{
	unsigned pool = 1 + (threads - 1) / IO_THREADS_PER;
	struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)say_nothing, NULL},
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, count_connections(), NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, MOST_HEAD, NULL},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)end_request, NULL},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)watch_connection,
		 NULL},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)begin_request, NULL},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
		{pool > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
		 (intptr_t)pool, NULL},
		{MHD_OPTION_END, 0, NULL}};

	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
					MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC,
				0, NULL, NULL, handle, NULL, MHD_OPTION_ARRAY,
				options, MHD_OPTION_END);
}

static void announce(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
	char customers[NUMBER_TEXT];

	getsockname(fd, (struct sockaddr *)&address, &length);
	getnameinfo((struct sockaddr *)&address, length, host, sizeof host,
		    port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
	number_commas(customers, server.current.loaded->model->matrix.n);
	notice(address.ss_family == AF_INET6
		       ? "%s: %s customers, on http://[%s]:%s/"
		       : "%s: %s customers, on http://%s:%s/",
	       server.choices->model, customers, host, port);
}

/* ------------------------------------------------------------------- ending */

/* Wait until no request is under way, or the time has come; idle connections
 * are closed. */
static void await_requests(double until)
{
	struct timespec tick = {.tv_nsec = TICK_MILLISECONDS * 1000000L};

	connections_sweep(true);
	while (atomic_load(&server.active) > 0 && connections_now() < until) {
		nanosleep(&tick, NULL);
		connections_sweep(true);
	}
}

/* Take the connections that were made before now, and none after. */
static void stop_listening(void)
{
	int fd = MHD_quiesce_daemon(server.daemon), one;
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;

	if (fd < 0)
		return;
	while ((one = accept4(fd, (struct sockaddr *)&peer, &length,
			      SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		MHD_add_connection(server.daemon, one, (struct sockaddr *)&peer,
				   length);
		length = sizeof peer;
	}
	close(fd);
}

/* Take no new connections, and answer what is under way. */
static void drain(void)
{
	double until = connections_now() + DRAIN_SECONDS;

	stop_listening();
	atomic_store(&server.draining, true);
	await_requests(until);
	/* The library's end meets no request that is being worked on: what
	 * comes from now on is refused, what came before is waited for. */
	atomic_store(&server.closing, true);
	await_requests(until);
	if (atomic_load(&server.active) > 0) {
		warn("%ld requests are cut off", atomic_load(&server.active));
		_exit(STATUS_DONE);
	}
	MHD_stop_daemon(server.daemon);
	batch_queue_end(&server.jobs);
	if (!model_reload_end(&server.current))
		_exit(STATUS_DONE);
}

/* Look at signals, the model's file and slow connections, until the end. */
static void watch(const sigset_t *signals)
{
	const struct timespec tick = {.tv_nsec = TICK_MILLISECONDS * 1000000L};

	for (;;) {
		int number = sigtimedwait(signals, NULL, &tick);

		if (number == SIGTERM || number == SIGINT)
			return;
		model_reload_look(&server.current, number == SIGHUP);
		connections_sweep(false);
	}
}

void http_server_run(const struct http_server_options *choices)
{
	sigset_t signals;
	int fd;

	server.choices = choices;
	if (display_names_sum(&choices->labels) != 0)
		snprintf(server.names, sizeof server.names, "-%016llx",
			 (unsigned long long)display_names_sum(
				 &choices->labels));
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	fd = listen_on(choices->address, choices->port);
	server.current = (struct model_reload){.path = choices->model,
					       .labels = &choices->labels,
					       .metrics = &server.metrics};
	model_reload_begin(&server.current);
	server.jobs = (struct batch_queue){.current = &server.current,
					   .threads = choices->threads,
					   .most = MOST_WAITING};
	batch_queue_begin(&server.jobs);
	server.daemon = start(fd, choices->threads);
	if (server.daemon == NULL)
		die("cannot start the HTTP server: %s", strerror(errno));
	announce(fd);
	watch(&signals);
	drain();
}
