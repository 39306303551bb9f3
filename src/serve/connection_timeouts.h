/* connection_timeouts: what each connection of a service is about, and how long
 * it may be: a client that is slow on purpose is cut off. */
#ifndef SERVE_CONNECTION_TIMEOUTS_H
#define SERVE_CONNECTION_TIMEOUTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum phase {
	PHASE_IDLE, /* waits for a request */
	PHASE_READ, /* a request's head or body is on its way */
	PHASE_WORK, /* it is being answered: no limit */
	PHASE_SEND  /* the answer is on its way */
};

struct connection {
	int fd;
	atomic_int phase;
	_Atomic double since; /* seconds, of connections_now */
	struct connection *next, **place;
};

/* Seconds of a clock that never goes back. */
double connections_now(void);

/* A connection of the descriptor begins, and ends. */
struct connection *connections_open(int fd);
void connections_close(struct connection *connection);

/* It is in that phase from now on. */
void connections_enter(struct connection *connection, enum phase phase);

/* Shut those down that are in a phase for too long; their owner sees the end
 * and closes them.  idle: all that are idle and have sent nothing. */
void connections_sweep(bool idle);

#endif
