#include "serve/connection_timeouts.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/alloc.h"

/* Seconds that a phase may last; 0: no limit. */
static const double limits[] = {
	[CONNECTION_IDLE] = 75, /* proxies keep one for 60 */
	[CONNECTION_READ] = 10, /* 64 KB, on a slow line */
	[CONNECTION_WORK] = 0,
	[CONNECTION_SEND] = 60, /* some megabytes, on a slow line */
};

double connection_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void connection_list_begin(struct connection_list *list)
{
	list->first = NULL;
	pthread_mutex_init(&list->lock, NULL);
}

void connection_list_end(struct connection_list *list)
{
	pthread_mutex_destroy(&list->lock);
}

/* The bytes of an address of IPv6, or of IPv4 mapped to one (RFC 4291); zeros
 * for others and NULL. */
static void read_address(const struct sockaddr *address,
			 unsigned char bytes[16])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	memset(bytes, 0, 16);
	if (address != NULL && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const void *)address;

		memcpy(bytes, &six->sin6_addr, 16);
	} else if (address != NULL && address->sa_family == AF_INET) {
		const struct sockaddr_in *four = (const void *)address;

		memcpy(bytes, mapped, sizeof mapped);
		memcpy(bytes + sizeof mapped, &four->sin_addr, 4);
	}
}

bool connection_is_loopback(const struct sockaddr *address)
{
	static const unsigned char six[16] = {[15] = 1};
	static const unsigned char four[13] = {
		[10] = 0xff, [11] = 0xff, [12] = 127};
	unsigned char bytes[16];

	read_address(address, bytes);
	return memcmp(bytes, six, sizeof six) == 0 ||
	       memcmp(bytes, four, sizeof four) == 0;
}

size_t connection_list_count(struct connection_list *list,
			     const struct sockaddr *client)
{
	unsigned char bytes[16];
	size_t count = 0;

	read_address(client, bytes);
	pthread_mutex_lock(&list->lock);
	for (const struct connection *c = list->first; c != NULL; c = c->next)
		count += memcmp(c->client, bytes, sizeof bytes) == 0;
	pthread_mutex_unlock(&list->lock);
	return count;
}

struct connection *connection_list_add(struct connection_list *list, int fd,
				       const struct sockaddr *client)
{
	struct connection *connection = alloc_or_null(1, sizeof *connection);

	if (connection == NULL)
		return NULL;
	connection->fd = fd;
	read_address(client, connection->client);
	connection_enter(connection, CONNECTION_IDLE);
	pthread_mutex_lock(&list->lock);
	connection->next = list->first;
	connection->link = &list->first;
	if (list->first != NULL)
		list->first->link = &connection->next;
	list->first = connection;
	pthread_mutex_unlock(&list->lock);
	return connection;
}

void connection_list_remove(struct connection_list *list,
			    struct connection *connection)
{
	pthread_mutex_lock(&list->lock);
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	pthread_mutex_unlock(&list->lock);
	free(connection);
}

void connection_enter(struct connection *connection,
		      enum connection_phase phase)
{
	atomic_store(&connection->since, connection_clock());
	atomic_store(&connection->phase, (int)phase);
}

static bool is_late(struct connection *connection, double now)
{
	double limit = limits[atomic_load(&connection->phase)];

	return limit > 0 && now - atomic_load(&connection->since) > limit;
}

/* Does it wait for a request of which no byte has come?  Where left, only if
 * the client will send none: the library does not see that it closed its side
 * where that came with the request before. */
static bool is_idle(struct connection *connection, bool left)
{
	char byte;
	ssize_t size;

	if (atomic_load(&connection->phase) != CONNECTION_IDLE)
		return false;
	size = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return left ? size == 0 : size <= 0;
}

void connection_list_sweep(struct connection_list *list, double now, bool idle)
{
	pthread_mutex_lock(&list->lock);
	for (struct connection *c = list->first; c != NULL; c = c->next)
		if (is_late(c, now) || is_idle(c, !idle))
			shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&list->lock);
}
