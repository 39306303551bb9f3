/* batch_queue: jobs that wait, and the worker threads that take several of
 * them at a time. */
#ifndef SERVE_BATCH_QUEUE_H
#define SERVE_BATCH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

/* What is queued; a member of the caller's own struct. */
struct batch_job {
	struct batch_job *next; /* private */
};

struct batch_queue {
	unsigned threads; /* workers; at least 1 */
	size_t limit;     /* jobs that may wait */
	void *context;    /* the first argument of run */
	/* Does the jobs, which the queue forgets then; called by several
	 * workers at a time.  alone: no other job waits and every other worker
	 * is idle. */
	void (*run)(void *context, struct batch_job *jobs[], size_t count,
		    bool alone);
	struct batch_workers *workers; /* private */
};

/* At most so many jobs are handed to one call of run: beyond, one search for
 * all gains little, and the first waits for the last. */
enum { BATCH_QUEUE_MAX_BATCH = 64 };

/* Start the workers; the members above are set, and stay.  Returns NULL, or an
 * error text where a thread cannot be started; nothing is left to end then. */
const char *batch_queue_begin(struct batch_queue *queue);

/* Append a job; false, and nothing done, where limit jobs wait.  The job must
 * live until run has had it. */
bool batch_queue_add(struct batch_queue *queue, struct batch_job *job);

/* How many jobs wait. */
size_t batch_queue_waiting(const struct batch_queue *queue);

/* Finish what waits, end the workers and free what the queue holds; nothing
 * where it was not begun. */
void batch_queue_end(struct batch_queue *queue);

#endif
