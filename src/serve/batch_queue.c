#include "serve/batch_queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"

struct batch_workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct batch_job *first, **last;
	size_t waiting, idle;
	bool ending;
	pthread_t *threads;
	unsigned started; /* of these */
};

/* Remove jobs from the queue, waiting for the first: as many as are this
 * worker's share among the idle ones, and so all of them where the others are
 * busy. Returns how many; 0 once the queue ends and is empty. */
static size_t remove_jobs(struct batch_queue *queue,
			  struct batch_job *removed[BATCH_QUEUE_MAX_BATCH],
			  bool *alone)
{
	struct batch_workers *workers = queue->workers;
	size_t count = 0, share;

	pthread_mutex_lock(&workers->lock);
	workers->idle++;
	while (workers->first == NULL && !workers->ending)
		pthread_cond_wait(&workers->more, &workers->lock);
	share = (workers->waiting + workers->idle - 1) / workers->idle;
	workers->idle--;
	while (count < share && count < BATCH_QUEUE_MAX_BATCH &&
	       workers->first != NULL) {
		removed[count] = workers->first;
		workers->first = workers->first->next;
		count++;
	}
	if (workers->first == NULL)
		workers->last = &workers->first;
	workers->waiting -= count;
	*alone = workers->waiting == 0 && workers->idle + 1 == queue->threads;
	pthread_mutex_unlock(&workers->lock);
	return count;
}

static void *work(void *shared)
{
	struct batch_queue *queue = shared;
	struct batch_job *jobs[BATCH_QUEUE_MAX_BATCH];
	bool alone;

	for (size_t count; (count = remove_jobs(queue, jobs, &alone)) > 0;)
		queue->run(queue->context, jobs, count, alone);
	return NULL;
}

const char *batch_queue_begin(struct batch_queue *queue)
{
	struct batch_workers *workers = alloc(1, sizeof *workers);

	queue->workers = workers;
	workers->last = &workers->first;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->more, NULL);
	workers->threads = alloc(queue->threads, sizeof *workers->threads);
	while (workers->started < queue->threads &&
	       pthread_create(&workers->threads[workers->started], NULL, work,
			      queue) == 0)
		workers->started++;
	if (workers->started == queue->threads)
		return NULL;
	const char *error =
		error_text("cannot start thread %u", workers->started + 1);
	batch_queue_end(queue);
	return error;
}

bool batch_queue_add(struct batch_queue *queue, struct batch_job *job)
{
	struct batch_workers *workers = queue->workers;
	bool room;

	job->next = NULL;
	pthread_mutex_lock(&workers->lock);
	room = workers->waiting < queue->limit;
	if (room) {
		*workers->last = job;
		workers->last = &job->next;
		workers->waiting++;
		pthread_cond_signal(&workers->more);
	}
	pthread_mutex_unlock(&workers->lock);
	return room;
}

size_t batch_queue_waiting(const struct batch_queue *queue)
{
	size_t waiting;

	pthread_mutex_lock(&queue->workers->lock);
	waiting = queue->workers->waiting;
	pthread_mutex_unlock(&queue->workers->lock);
	return waiting;
}

void batch_queue_end(struct batch_queue *queue)
{
	struct batch_workers *workers = queue->workers;

	if (workers == NULL)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->ending = true;
	pthread_cond_broadcast(&workers->more);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->started; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_cond_destroy(&workers->more);
	pthread_mutex_destroy(&workers->lock);
	free(workers->threads);
	free(workers);
	queue->workers = NULL;
}
