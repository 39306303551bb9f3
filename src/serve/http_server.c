#include "serve/http_server.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"
#include "serve/http_daemon.h"
#include "serve/http_reply.h"
#include "serve/listener.h"
#include "serve/routes.h"

enum {
	MAX_CONNECTIONS = 4096,
	MAX_WAITING = 1024, /* a second's work of a small machine */
	WORKERS_PER_POLLER = 4,
	TICK_MILLISECONDS = 250,
	DRAIN_SECONDS = 4 /* an end within five is promised */
};

static const struct timespec tick = {.tv_nsec = TICK_MILLISECONDS * 1000000L};

/* Wait until no request is under way, or the time has come; idle connections
 * are closed. */
static void await_requests(struct http_service *service, double until)
{
	double now = connection_clock();

	connection_list_sweep(&service->connections, now, true);
	while (atomic_load(&service->active) > 0 && now < until) {
		nanosleep(&tick, NULL);
		now = connection_clock();
		connection_list_sweep(&service->connections, now, true);
	}
}

/* End what begin_service began; false, and the model stays, while another one
 * is being loaded. */
static bool end_service(struct http_service *service)
{
	batch_queue_end(&service->queue);
	connection_list_end(&service->connections);
	access_log_end(&service->log);
	reply_cache_end(&service->cache);
	MHD_destroy_response(service->no_memory);
	return model_reload_end(&service->reload);
}

/* Answer for the time of grace, or until another signal to end. */
static void await_grace(struct http_service *service, const sigset_t *signals)
{
	double now = connection_clock();
	double until = now + (double)service->options->grace;
	int number = 0;

	for (; now < until && number != SIGTERM && number != SIGINT;
	     now = connection_clock()) {
		number = sigtimedwait(signals, NULL, &tick);
		connection_list_sweep(&service->connections, now, false);
	}
}

/* Take no new connections, answer what is under way, and end; false where
 * threads go on. */
static bool drain(struct http_service *service, struct http_daemon *http,
		  const sigset_t *signals)
{
	double until;

	atomic_store(&service->draining, true);
	await_grace(service, signals);
	until = connection_clock() + DRAIN_SECONDS;
	http_daemon_stop_listening(http);
	await_requests(service, until);
	/* The library must not be ended while a connection is suspended: from
	 * now on requests are refused, and those before are waited for. */
	atomic_store(&service->closing, true);
	await_requests(service, until);
	if (atomic_load(&service->active) > 0) {
		warn("%ld requests are cut off", atomic_load(&service->active));
		return false;
	}
	http_daemon_end(http);
	return end_service(service);
}

/* Look at signals, the model's file and slow connections, until the end. */
static void watch(struct http_service *service, const sigset_t *signals)
{
	for (;;) {
		int number = sigtimedwait(signals, NULL, &tick);

		if (number == SIGTERM || number == SIGINT)
			return;
		model_reload_look(&service->reload, number == SIGHUP);
		connection_list_sweep(&service->connections, connection_clock(),
				      false);
	}
}

static void block_signals(sigset_t *signals)
{
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static const char *check_set(const struct display_name_set *set,
			     const struct text_array *ids, const char *option,
			     const char *what)
{
	struct item_join join = {0};

	for (size_t i = 0; i < ids->count; i++) {
		size_t length;
		const char *id = text_array_at(ids, i, &length);

		display_names_look_up(set, id, length, &join);
	}
	return display_names_check(set, &join, option, what);
}

/* An error text where no tag, or no customer, of the model has a name. */
static const char *check_names(const struct display_names *names,
			       const struct csr_matrix *matrix)
{
	const char *error =
		check_set(&names->tags, &matrix->tags, "--names", "tags");

	return error ? error
		     : check_set(&names->customers, &matrix->users, "--who",
				 "customers");
}

/* What decides on replies beside the model, as a number; 0 without any. */
static uint64_t sum_of(const struct http_server_options *options)
{
	uint64_t sum = display_names_sum(&options->labels), recall, alpha;

	/* Of recall 0 the bits are 0. */
	memcpy(&recall, &options->recall, sizeof recall);
	sum ^= recall;
	if (options->metric != NULL)
		sum ^= ((uint64_t)*options->metric + 1) << 60;
	if (options->alpha != NULL) {
		memcpy(&alpha, options->alpha, sizeof alpha);
		sum ^= ~alpha << 4;
	}
	return sum;
}

/* Load the model, and start the workers; nothing is to be ended where that
 * fails. */
static const char *begin_service(struct http_service *service)
{
	const struct http_server_options *options = service->options;
	uint64_t sum = sum_of(options);
	const char *error;

	if (sum != 0)
		snprintf(service->names_tag, sizeof service->names_tag,
			 "-%016llx", (unsigned long long)sum);
	connection_list_begin(&service->connections);
	access_log_begin(&service->log);
	reply_cache_begin(&service->cache);
	service->reload =
		(struct model_reload){.options = {.path = options->model,
						  .labels = &options->labels,
						  .segments = options->segments,
						  .report = options->report,
						  .recall = options->recall,
						  .metric = options->metric,
						  .alpha = options->alpha},
				      .metrics = &service->metrics};
	service->no_memory = http_no_memory_response();
	error = service->no_memory != NULL
			? model_reload_begin(&service->reload)
			: "out of memory";
	if (error == NULL)
		error = check_names(&options->labels,
				    &service->reload.served->model->matrix);
	service->queue = (struct batch_queue){.threads = options->threads,
					      .limit = MAX_WAITING,
					      .context = service,
					      .run = routes_run_jobs};
	if (error == NULL)
		error = batch_queue_begin(&service->queue);
	if (error != NULL)
		end_service(service);
	return error;
}

static void announce(const struct http_service *service, const char *url)
{
	char customers[NUMBER_TEXT];

	number_commas(customers, service->reload.served->model->matrix.n);
	notice("%s: %s customers, on %s", service->options->model, customers,
	       url);
}

/* Load the model and start all threads; where that fails nothing is to be
 * ended, and fd is closed. */
static const char *begin(struct http_service *service, struct http_daemon *http,
			 int fd)
{
	unsigned pollers =
		1 + (service->options->threads - 1) / WORKERS_PER_POLLER;
	unsigned connections;
	const char *error = begin_service(service);

	if (error != NULL) {
		close(fd);
		return error;
	}
	error = listener_count_connections(MAX_CONNECTIONS, &connections);
	if (error != NULL)
		close(fd);
	else
		error = http_daemon_begin(http, service, fd, pollers,
					  connections);
	if (error != NULL)
		end_service(service);
	return error;
}

const char *http_server_run(const struct http_server_options *options,
			    bool *busy)
{
	struct http_service *service = alloc(1, sizeof *service);
	struct http_daemon http;
	char url[LISTENER_URL];
	const char *error;
	sigset_t signals;
	int fd;

	*busy = false;
	service->options = options;
	block_signals(&signals);
	error = listener_open(options->address, options->port, &fd);
	if (error == NULL) {
		listener_url(fd, url);
		listener_address(fd, service->bound);
		if (options->token == NULL && listener_is_public(fd))
			warn("%s: anyone who reaches this address may ask: see "
			     "--token-file",
			     options->address);
		error = begin(service, &http, fd);
	}
	if (error == NULL) {
		announce(service, url);
		watch(service, &signals);
		*busy = !drain(service, &http, &signals);
	}
	if (!*busy)
		free(service);
	return error;
}
