/* jobs: requests that wait for an answer, and the threads that answer them.
 *
 * What waits when a thread is free is searched for together, where one search
 * can serve it: a pass over a large model then serves many. */
#ifndef SERVE_BATCH_QUEUE_H
#define SERVE_BATCH_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "serve/predict_reply.h"
#include "serve/model_reload.h"

struct job {
	struct job *next; /* private */
	struct answer answer;
	/* Reads answer.ask, of the model that it is begun with. */
	void (*read)(struct job *job);
	/* The body is written. */
	void (*done)(struct job *job);
};

struct jobs {
	struct current *current;
	unsigned threads;
	size_t most; /* that may wait */
	/* private: */
	struct crew *crew;
};

void jobs_begin(struct jobs *jobs);

/* Have a job done; false where too many wait. */
bool jobs_add(struct jobs *jobs, struct job *job);

/* How many wait. */
size_t jobs_waiting(const struct jobs *jobs);

/* Finish what waits, and end the threads. */
void jobs_end(struct jobs *jobs);

#endif
