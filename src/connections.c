#include "connections.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "alloc.h"

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

void connections_sweep(int idle)
{
	double now = connections_now();

	pthread_mutex_lock(&lock);
	for (struct connection *c = first; c != NULL; c = c->next) {
		int phase = atomic_load(&c->phase);
		double limit = limits[phase];

		if ((limit > 0 && now - atomic_load(&c->since) > limit) ||
		    (idle && phase == PHASE_IDLE))
			shutdown(c->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&lock);
}
