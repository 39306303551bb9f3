#include "serve/connection_timeouts.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/alloc.h"

/* Seconds that a phase may last; 0: no limit. */
static const double limits[] = {
	[PHASE_IDLE] = 30, /* a browser that keeps a connection comes back */
	[PHASE_READ] = 10, /* 64 KB, on a slow line */
	[PHASE_WORK] = 0,
	[PHASE_SEND] = 60, /* some megabytes, likewise */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct connection *first;

double connections_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct connection *connections_open(int fd)
{
	struct connection *connection = alloc(1, sizeof *connection);

	connection->fd = fd;
	connections_enter(connection, PHASE_IDLE);
	pthread_mutex_lock(&lock);
	connection->next = first;
	connection->place = &first;
	if (first != NULL)
		first->place = &connection->next;
	first = connection;
	pthread_mutex_unlock(&lock);
	return connection;
}

void connections_close(struct connection *connection)
{
	pthread_mutex_lock(&lock);
	*connection->place = connection->next;
	if (connection->next != NULL)
		connection->next->place = connection->place;
	pthread_mutex_unlock(&lock);
	free(connection);
}

void connections_enter(struct connection *connection, enum phase phase)
{
	atomic_store(&connection->since, connections_now());
	atomic_store(&connection->phase, (int)phase);
}

/* Has it been in its phase for too long? */
static bool is_late(struct connection *connection, double now)
{
	double limit = limits[atomic_load(&connection->phase)];

	return limit > 0 && now - atomic_load(&connection->since) > limit;
}

/* Does it wait for a request of which no byte has come? */
static bool is_idle(struct connection *connection)
{
	char byte;

	return atomic_load(&connection->phase) == PHASE_IDLE &&
	       recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

void connections_sweep(bool idle)
{
	double now = connections_now();

	pthread_mutex_lock(&lock);
	for (struct connection *c = first; c != NULL; c = c->next)
		if (is_late(c, now) || (idle && is_idle(c)))
			shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&lock);
}
