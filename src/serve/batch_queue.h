/* batch_queue: requests that wait for an answer, and the threads that answer
 * them.
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

struct batch_job {
	struct batch_job *next; /* private */
	struct predict_reply answer;
	/* Reads answer.ask, of the model that it is begun with. */
	void (*read)(struct batch_job *job);
	/* The body is written. */
	void (*done)(struct batch_job *job);
};

struct batch_queue {
	struct model_reload *current;
	unsigned threads;
	size_t most; /* that may wait */
	/* private: */
	struct crew *crew;
};

void batch_queue_begin(struct batch_queue *jobs);

/* Have a job done; false where too many wait. */
bool batch_queue_add(struct batch_queue *jobs, struct batch_job *job);

/* How many wait. */
size_t batch_queue_waiting(const struct batch_queue *jobs);

/* Finish what waits, and end the threads. */
void batch_queue_end(struct batch_queue *jobs);

#endif
