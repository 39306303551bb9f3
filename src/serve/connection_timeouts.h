/* connection_timeouts: what each connection of a service is doing, and since
 * when, so that a client that is slow on purpose can be cut off. */
#ifndef SERVE_CONNECTION_TIMEOUTS_H
#define SERVE_CONNECTION_TIMEOUTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum connection_phase {
	CONNECTION_IDLE, /* waits for a request */
	CONNECTION_READ, /* a request's head or body is on its way */
	CONNECTION_WORK, /* the request is being answered: no limit */
	CONNECTION_SEND  /* the reply is on its way */
};

struct connection {
	int fd;                   /* the caller's */
	unsigned char client[16]; /* its address, of IPv4 as one of IPv6 */
	void *request;            /* under way, the caller's; NULL: none */
	atomic_int phase;
	_Atomic double since;            /* seconds, of connection_clock */
	struct connection *next, **link; /* private */
};

/* The open connections; safe to use from several threads. */
struct connection_list {
	pthread_mutex_t lock;
	struct connection *first;
};

/* Seconds of a clock that never goes back. */
double connection_clock(void);

void connection_list_begin(struct connection_list *list);
/* The list is empty again. */
void connection_list_end(struct connection_list *list);

/* Is it an address of the loopback interface? */
bool connection_is_loopback(const struct sockaddr *address);

/* Add a connection of the descriptor, idle from now on; it is the list's, until
 * connection_list_remove frees it.  NULL where there is no memory. */
struct connection *connection_list_add(struct connection_list *list, int fd,
				       const struct sockaddr *client);
void connection_list_remove(struct connection_list *list,
			    struct connection *connection);

/* How many connections a client has, whatever its port; O(connections). */
size_t connection_list_count(struct connection_list *list,
			     const struct sockaddr *client);

/* The connection is in that phase from now on. */
void connection_enter(struct connection *connection,
		      enum connection_phase phase);

/* Shut down the sockets that have been in their phase for too long at the time
 * now, of connection_clock; idle: also those that are idle and of which no byte
 * waits.  Their owner sees the end of the stream, and removes them. */
void connection_list_sweep(struct connection_list *list, double now, bool idle);

#endif
