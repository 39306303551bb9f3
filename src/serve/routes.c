#include "serve/routes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "serve/http_gzip.h"
#include "serve/http_reply.h"
#include "serve/http_text.h"
#include "serve/model_reply.h"
#include "serve/request_customers.h"
#include "serve/request_reader.h"
#include "serve/search_reply.h"
#include "serve/segments_reply.h"

enum {
	MAX_LISTED = 1000, /* customers of one listing */
	DEFAULT_LISTED = 20,
	ETAG_ROOM = 72, /* quotation marks, three sums, "-csv", "-gzip" */
	/* Rows of a model from which a search is worth several threads. */
	MIN_PARALLEL_ROWS = 1 << 16
};

static enum MHD_Result send_ready(struct http_request *request)
{
	if (atomic_load(&request->service->draining))
		return http_send_text(request, MHD_HTTP_SERVICE_UNAVAILABLE,
				      "draining\n");
	return http_send_text(request, MHD_HTTP_OK, "ready\n");
}

/* The model that answers now, held until the request ends. */
static struct served_model *hold_model(struct http_request *request)
{
	request->held = model_reload_hold(&request->service->reload);
	return request->held;
}

static enum MHD_Result send_metrics(struct http_request *request)
{
	struct http_service *service = request->service;
	const struct served_model *served = hold_model(request);
	const struct metrics_model model = {
		.id = served->id,
		.version = service->options->version,
		.age = difftime(time(NULL), served->time),
		.opened = (double)served->opened,
		.customers = served->model->matrix.n,
		.tags = served->model->matrix.m,
	};
	struct output body;

	output_memory(&body);
	atomic_store(&service->metrics.waiting,
		     (long)batch_queue_waiting(&service->queue));
	metrics_write(&service->metrics, &model, &body);
	return http_send_body(request, MHD_HTTP_OK,
			      "text/plain; version=0.0.4; charset=utf-8",
			      &body);
}

static enum MHD_Result send_model(struct http_request *request)
{
	struct output body;

	output_memory(&body);
	model_reply_write(&body, hold_model(request));
	return http_send_body(request, MHD_HTTP_OK, predict_reply_json, &body);
}

/* The arguments limit and cursor; false where one is wrong, with the result of
 * sending the error. */
static bool read_page(struct http_request *request, size_t *limit, size_t *skip,
		      enum MHD_Result *result)
{
	const char *count = request->arguments.values[ARGUMENT_LIMIT];
	const char *cursor = request->arguments.values[ARGUMENT_CURSOR];
	int64_t most = DEFAULT_LISTED, begin = 0;

	if (count != NULL && !number_integer(count, 1, MAX_LISTED, &most)) {
		*result = http_send_error(
			request, MHD_HTTP_BAD_REQUEST,
			"limit: expected a whole number from 1 to 1000",
			"limit", NULL, NULL);
		return false;
	}
	if (cursor != NULL &&
	    !number_integer(cursor, 0, INT64_MAX / 2, &begin)) {
		*result = http_send_error(
			request, MHD_HTTP_BAD_REQUEST,
			"cursor: expected the next of the page before",
			"cursor", NULL, NULL);
		return false;
	}
	*limit = (size_t)most;
	*skip = (size_t)begin;
	return true;
}

static enum MHD_Result send_overview(struct http_request *request)
{
	const struct served_model *served = hold_model(request);
	struct output body;

	output_memory(&body);
	output_write(&body, served->overview.buffer, served->overview.held);
	return http_send_large_body(request, predict_reply_json, &body);
}

/* Write the customers whose id or name begins with a text, or has it as a
 * part; or such tags. */
static void list(const struct http_request *request, struct output *body,
		 const struct served_model *served, size_t skip, size_t limit)
{
	char *const *given = request->arguments.values;
	const struct display_names *labels = &request->service->options->labels;
	const char *part = given[ARGUMENT_SEARCH];
	const char *prefix = given[ARGUMENT_PREFIX];

	prefix = prefix ? prefix : "";
	if (request->route == ROUTE_TAGS)
		search_reply_tags(body, served, labels, part ? part : "",
				  part ? strlen(part) : 0, limit);
	else if (part != NULL)
		search_reply_customers(body, served, labels, part, strlen(part),
				       limit);
	else
		model_reply_customers(body, served, labels, prefix,
				      strlen(prefix), skip, limit);
}

static enum MHD_Result enqueue(struct http_request *request);

/* Send a list.  A search looks at all names, 40 ms for 200,000, so a worker
 * answers it. */
static enum MHD_Result send_list(struct http_request *request)
{
	char *const *given = request->arguments.values;
	size_t limit, skip;
	enum MHD_Result result;
	struct output body;

	if (!read_page(request, &limit, &skip, &result))
		return result;
	if (given[ARGUMENT_SEARCH] != NULL &&
	    (given[ARGUMENT_CURSOR] || given[ARGUMENT_PREFIX]))
		return http_send_error(
			request, MHD_HTTP_BAD_REQUEST,
			"search: goes with limit, and with neither prefix nor "
			"cursor",
			"search", NULL, NULL);
	if (given[ARGUMENT_SEARCH] != NULL)
		return enqueue(request);
	output_memory(&body);
	list(request, &body, hold_model(request), skip, limit);
	return http_send_large_body(request, predict_reply_json, &body);
}

/* Send the segments of the model, or one of them with its members. */
static enum MHD_Result send_segments(struct http_request *request)
{
	const struct http_server_options *options = request->service->options;
	const struct served_model *served;
	struct output body;
	size_t limit, skip, segment = 0;
	enum MHD_Result result;

	if (options->segments == NULL)
		return http_send_error(request, MHD_HTTP_NOT_FOUND,
				       "the service has no segments: see "
				       "--segments",
				       NULL, NULL, NULL);
	if (!read_page(request, &limit, &skip, &result))
		return result;
	served = hold_model(request);
	if (request->route == ROUTE_SEGMENT)
		segment = served_segments_find(served->segments, request->id,
					       request->id_length);
	output_memory(&body);
	if (request->route == ROUTE_SEGMENTS)
		segments_reply_write(&body, served, &options->labels);
	else if (segment != SIZE_MAX)
		segments_reply_one(&body, served, &options->labels, segment,
				   skip, limit);
	if (segment != SIZE_MAX)
		return http_send_large_body(request, predict_reply_json, &body);
	free(body.buffer);
	return http_send_error(request, MHD_HTTP_NOT_FOUND, "no such segment",
			       "segment", NULL, NULL);
}

/* The tag of a representation: the model, the names shown beside its ids, the
 * segments, and the format; that of an address. */
static void write_etag(const struct http_request *request, char tag[ETAG_ROOM])
{
	char segments[24] = "";

	if (request->segments_sum != 0)
		snprintf(segments, sizeof segments, "-%016llx",
			 (unsigned long long)request->segments_sum);
	snprintf(tag, ETAG_ROOM, "\"%s%s%s%s%s\"", request->model,
		 request->service->names_tag, segments,
		 request->csv ? "-csv" : "", request->gzip ? "-gzip" : "");
}

/* Answer a search of customers or tags, whose arguments send_list has read. */
static void answer_list(struct http_request *request,
			const struct served_model *served)
{
	struct predict_reply *reply = &request->job.reply;
	enum MHD_Result result;
	size_t limit, skip;

	if (!read_page(request, &limit, &skip, &result))
		return;
	output_memory(&reply->body);
	list(request, &reply->body, served, skip, limit);
	reply->status = MHD_HTTP_OK;
	reply->type = predict_reply_json;
}

/* True where a reply is always JSON and never cached: the profile of a
 * customer, a tag, a search of names. */
static bool is_uncached_json(enum route route)
{
	return route == ROUTE_CUSTOMER || route == ROUTE_TAG ||
	       route == ROUTE_CUSTOMERS || route == ROUTE_TAGS;
}

/* Is there room for the request as JSON, and for what it asks? */
static bool have_room(struct http_request *http)
{
	size_t bytes = request_body_bytes(http->body, http->size);

	return atomic_load(&http->service->held) <= HTTP_MAX_HELD &&
	       http_hold(http, bytes);
}

/* Read the request of a job, with the model that will answer; called by a
 * worker. */
static bool read_job(struct predict_job *job)
{
	struct http_request *http = (struct http_request *)job;
	struct predict_request *request = &job->reply.request;
	bool suggest = http->service->options->suggest;
	char tag[ETAG_ROOM];

	if (!have_room(http)) {
		http->overload = true;
		return false;
	}
	memcpy(http->model, request->served->id, sizeof http->model);
	http->segments_sum = request->served->segments != NULL
				     ? request->served->segments->sum
				     : 0;
	if (http->route == ROUTE_PREDICT)
		return request_read_body(request, http->body, http->size,
					 suggest);
	if (http->route == ROUTE_CUSTOMERS || http->route == ROUTE_TAGS) {
		answer_list(http, request->served);
		return false;
	}
	if (http->route == ROUTE_TAG) {
		predict_reply_tag(&job->reply, http->id, http->id_length);
		return false;
	}
	if (http->route == ROUTE_CUSTOMER) {
		if (request_set_customer(request, http->id, http->id_length,
					 suggest))
			predict_reply_profile(&job->reply);
		return false;
	}
	if (!request_read_similar(request, http->id, http->id_length,
				  &http->arguments, suggest))
		return false;
	write_etag(http, tag);
	http->unmodified = http->if_none_match != NULL &&
			   http_etag_matches(http->if_none_match, tag);
	return !http->unmodified;
}

/* Called by a worker when the reply is complete.  Until the client has read it
 * the body of the reply is all that is held. */
static void finish_job(struct predict_job *job)
{
	struct http_request *request = (struct http_request *)job;
	struct output *body = &job->reply.body;
	const uint64_t one = 1;
	int wake = request->wake;

	request->zipped = request->gzip && !request->overload &&
			  !job->reply.failed && http_gzip(body);
	predict_reply_trim(&job->reply);
	free(request->body);
	request->body = NULL;
	http_release(request);
	if (!http_hold(request, body->room)) {
		free(body->buffer);
		*body = (struct output){0};
		request->overload = true;
	}

	/* Once resumed, the request is the other thread's. */
	MHD_resume_connection(request->connection);
	if (write(wake, &one, sizeof one) < 0)
		return; /* the other thread looks by itself before long */
}

void routes_run_jobs(void *shared, struct batch_job *jobs[], size_t count,
		     bool alone)
{
	struct http_service *service = shared;
	struct predict_job *predict[BATCH_QUEUE_MAX_BATCH];
	struct served_model *served = model_reload_hold(&service->reload);
	bool parallel = alone && served->model->matrix.n >= MIN_PARALLEL_ROWS;

	for (size_t i = 0; i < count; i++)
		predict[i] = (struct predict_job *)jobs[i];
	predict_batch_run(served, predict, count,
			  parallel ? service->queue.threads : 1);
	served_model_release(served);
}

/* Set the key of the request: all that its reply depends on, besides the model
 * and the options of the service.  None where it has header fields of its own,
 * or is long. */
static void set_key(struct http_request *request)
{
	bool by_body = request->route == ROUTE_PREDICT;
	const char *asked = by_body ? request->body : request->uri;
	size_t size = by_body ? request->size : strlen(request->uri);

	if ((!by_body && request->route != ROUTE_SIMILAR) ||
	    size > sizeof request->key - 2 || asked == NULL ||
	    request->if_none_match != NULL ||
	    http_header(request, "X-Request-Id") != NULL ||
	    atomic_load(&request->service->draining))
		return;
	request->key[0] = (char)request->route;
	request->key[1] = (char)(request->csv | request->gzip << 1 |
				 request->job.reply.safe << 2);
	memcpy(request->key + 2, asked, size);
	request->key_length = size + 2;
}

/* Write the name by which the cache knows a model and its segments: the same
 * bytes made again have another date. */
static void name_model(const struct served_model *served,
		       char name[REPLY_CACHE_MODEL])
{
	snprintf(name, REPLY_CACHE_MODEL, "%s %s %016llx", served->id,
		 served->made,
		 (unsigned long long)(served->segments ? served->segments->sum
						       : 0));
}

/* Answer from the cache, where it has the reply. */
static bool send_cached(struct http_request *request)
{
	struct http_service *service = request->service;
	struct served_model *served = model_reload_hold(&service->reload);
	char name[REPLY_CACHE_MODEL];

	name_model(served, name);
	memcpy(request->model, served->id, sizeof request->model);
	served_model_release(served);
	if (!reply_cache_send(&service->cache, name, request->key,
			      request->key_length, request->connection,
			      &request->sent))
		return false;
	request->status = MHD_HTTP_OK;
	request->answered = true;
	connection_enter(request->timeouts, CONNECTION_SEND);
	atomic_fetch_add(&service->metrics.cached, 1);
	return true;
}

/* Hand the request to a worker; its connection is suspended until the worker
 * is done. */
static enum MHD_Result enqueue(struct http_request *request)
{
	struct http_service *service = request->service;
	struct predict_job *job = &request->job;
	const char *safe = request->arguments.values[ARGUMENT_SAFE];

	if (atomic_load(&service->closing) ||
	    atomic_load(&service->held) > HTTP_MAX_HELD)
		return http_send_overload(request);
	request->csv = !is_uncached_json(request->route) &&
		       http_wants_csv(http_header(request, "Accept"));
	request->if_none_match = http_header(request, "If-None-Match");
	job->reply.labels = &service->options->labels;
	job->reply.csv = request->csv;
	if (safe != NULL && strcmp(safe, "0") != 0 && strcmp(safe, "1") != 0)
		return http_send_error(request, MHD_HTTP_BAD_REQUEST,
				       "safe: expected 0 or 1", "safe", NULL,
				       NULL);
	job->reply.safe = safe == NULL || *safe == '1';
	set_key(request);
	if (request->key_length > 0 && send_cached(request))
		return MHD_YES;
	job->read = read_job;
	job->done = finish_job;
	request->queued = true;
	connection_enter(request->timeouts, CONNECTION_WORK);
	MHD_suspend_connection(request->connection);
	if (!batch_queue_add(&service->queue, &job->queued)) {
		request->overload = true;
		finish_job(job);
	}
	return MHD_YES;
}

/* What CSV has no room for: that the model lacks some ids of a list. */
static void add_known_header(struct http_request *request,
			     struct MHD_Response *response, const char *name,
			     const struct request_list *list)
{
	char text[2 * NUMBER_TEXT + 40];

	if (list->known == list->given)
		return;
	snprintf(text, sizeof text, "%zu of %zu in %s are known", list->known,
		 list->given, name);
	http_add_header(request, response, "X-Note", text);
}

enum MHD_Result routes_send_reply(struct http_request *request)
{
	struct predict_reply *reply = &request->job.reply;
	bool tagged =
		request->route == ROUTE_SIMILAR && reply->status == MHD_HTTP_OK;
	struct MHD_Response *response;
	char tag[ETAG_ROOM], recall[16], model[REPLY_CACHE_MODEL];
	double measured;

	if (request->overload)
		return http_send_overload(request);
	if (reply->failed)
		return http_send_no_memory(request);
	write_etag(request, tag);
	if (request->unmodified)
		return http_send_unmodified(request, tag);
	if (is_uncached_json(request->route))
		return http_send_body(request, reply->status, reply->type,
				      &reply->body);
	response = http_response(request, &reply->body, reply->type);
	http_add_cached(request, response, tagged ? tag : NULL);
	http_add_header(request, response, "X-Model", request->model);
	http_add_header(request, response, "X-Model-Date",
			reply->request.served->made);
	if (reply->request.recall > 0) {
		predict_request_cells(&reply->request, &measured);
		snprintf(recall, sizeof recall, "%.4f", measured);
		http_add_header(request, response, "X-Recall", recall);
	}
	add_known_header(request, response, "among", &reply->request.among);
	add_known_header(request, response, "not", &reply->request.without);
	name_model(reply->request.served, model);
	return http_send_kept(request, reply->status, response, model);
}

enum MHD_Result routes_run(struct http_request *request)
{
	switch (request->route) {
	case ROUTE_PREDICT:
	case ROUTE_SIMILAR:
	case ROUTE_CUSTOMER:
	case ROUTE_TAG:
		return enqueue(request);
	case ROUTE_CUSTOMERS:
	case ROUTE_TAGS:
		return send_list(request);
	case ROUTE_OVERVIEW:
		return send_overview(request);
	case ROUTE_SEGMENTS:
	case ROUTE_SEGMENT:
		return send_segments(request);
	case ROUTE_MODEL:
		return send_model(request);
	case ROUTE_PAGE:
	case ROUTE_OPENAPI:
		return http_send_file(request);
	case ROUTE_HEALTH:
		return http_send_text(request, MHD_HTTP_OK, "ok\n");
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
