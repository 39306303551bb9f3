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
#include "serve/http_callbacks.h"

enum {
	MAX_HEAD = 32 << 10, /* of a request's head, and its buffer */
	WAIT_MILLISECONDS = 50
};

struct http_poller {
	struct MHD_Daemon *daemon;
	struct http_caller caller;
	pthread_t thread;
	int epoll; /* the daemon's */
	int listener;
	atomic_bool stop, stopped, end;
};

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

static struct MHD_Daemon *start_daemon(struct http_poller *poller, int fd,
				       unsigned connections)
{
	struct http_service *service = poller->caller.service;

	struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)discard_message, NULL},
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, connections, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, MAX_HEAD, NULL},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_end_request,
		 service},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_watch_connection,
		 service},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_begin_request,
		 &poller->caller},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
		{MHD_OPTION_END, 0, NULL}};

	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, http_accept_client,
		service, http_handle_request, NULL, MHD_OPTION_ARRAY, options,
		MHD_OPTION_END);
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
				 {.fd = poller->caller.wake, .events = POLLIN}};
	MHD_UNSIGNED_LONG_LONG due;
	int wait = WAIT_MILLISECONDS;
	uint64_t wakes;

	if (MHD_get_timeout(poller->daemon, &due) == MHD_YES &&
	    due < WAIT_MILLISECONDS)
		wait = (int)due;
	if (poll(files, 2, wait) > 0 && files[1].revents != 0 &&
	    read(poller->caller.wake, &wakes, sizeof wakes) < 0)
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

	poller->caller.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (poller->caller.wake >= 0)
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
	if (poller->caller.wake >= 0)
		close(poller->caller.wake);
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
		poller->caller.service = service;
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
		close(poller->caller.wake);
	}
	free(http->pollers);
}
