/* access_log: a line of JSON for each request, on standard output. */
#ifndef SERVE_ACCESS_LOG_H
#define SERVE_ACCESS_LOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

struct access_log {
	pthread_mutex_t lock; /* of standard output, and of what follows */
	bool cut;             /* the last line there is a part of one */
	size_t lost;          /* lines, since a warning said so */
	time_t warned;        /* when that was; 0: never */
};

struct access_log_entry {
	const struct sockaddr *peer; /* IPv4 or IPv6, or NULL */
	const char *method, *path;   /* NULL: there was none */
	const char *query;           /* behind the path's ?, or NULL */
	const char *agent, *id;      /* of the header fields, or NULL */
	int status;                  /* 0: cut off */
	size_t bytes;                /* of the reply's body */
	double seconds;
	const char *model; /* that answered, or empty */
};

void access_log_begin(struct access_log *log);

/* Write a line, with the time of now.  Where it cannot be written the service
 * goes on without it, and warns of such lines, once a minute at most. */
void access_log_write(struct access_log *log,
		      const struct access_log_entry *entry);

void access_log_end(struct access_log *log);

#endif
