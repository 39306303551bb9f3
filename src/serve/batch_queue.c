#include "serve/batch_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"

/* At most so many jobs are taken at once: beyond, a search gains little, and
 * the first waits for the last. */
enum { GRASP = 64 };

/* Rows of a model from which a search is worth several threads. */
enum { LARGE = 1 << 16 };

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct batch_job *first, **last;
	size_t waiting, idle;
	bool ending;
	pthread_t *threads;
};

/* Take a share of what waits, all of it where other threads are busy; 0 at the
 * end. */
static size_t take(struct batch_queue *jobs, struct batch_job *taken[GRASP],
		   bool *alone)
{
	struct crew *crew = jobs->crew;
	size_t count = 0, wanted;

	pthread_mutex_lock(&crew->lock);
	crew->idle++;
	while (crew->first == NULL && !crew->ending)
		pthread_cond_wait(&crew->more, &crew->lock);
	wanted = (crew->waiting + crew->idle - 1) / crew->idle;
	crew->idle--;
	while (count < wanted && count < GRASP && crew->first != NULL) {
		taken[count] = crew->first;
		crew->first = crew->first->next;
		count++;
	}
	if (crew->first == NULL)
		crew->last = &crew->first;
	crew->waiting -= count;
	*alone = crew->waiting == 0 && crew->idle + 1 == jobs->threads;
	pthread_mutex_unlock(&crew->lock);
	return count;
}

/* ---------------------------------------------------------------- answering */

static void finish(struct batch_job *job)
{
	predict_reply_write(&job->answer);
	job->done(job);
}

/* Search for some that one search serves, and finish each. */
static void answer(struct batch_queue *jobs, struct batch_job *const list[],
		   size_t count, bool alone)
{
	struct predict_reply *answers[GRASP];
	size_t rows = list[0]->answer.ask.loaded->model->matrix.n;

	for (size_t i = 0; i < count; i++)
		answers[i] = &list[i]->answer;
	predict_reply_search(answers, count,
			     alone && rows >= LARGE ? jobs->threads : 1);
	for (size_t i = 0; i < count; i++)
		finish(list[i]);
}

/* Read each, of one model; those that failed are finished.  Returns how many
 * are left. */
static size_t read_all(struct batch_queue *jobs, struct batch_job *list[],
		       size_t count)
{
	struct served_model *loaded = model_reload_hold(jobs->current);
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		predict_request_begin(&list[i]->answer.ask, loaded);
		list[i]->read(list[i]);
		if (list[i]->answer.ask.error != NULL)
			finish(list[i]);
		else
			list[left++] = list[i];
	}
	served_model_release(loaded);
	return left;
}

/* Answer those first that one search serves, then what takes longer. */
static void predict_reply_all(struct batch_queue *jobs,
			      struct batch_job *list[], size_t count,
			      bool alone)
{
	struct batch_job *joined[GRASP], *others[GRASP];

	count = read_all(jobs, list, count);
	while (count > 0) {
		size_t together = 0, left = 0;

		for (size_t i = 0; i < count; i++)
			if (i == 0 || predict_reply_joins(&list[0]->answer,
							  &list[i]->answer))
				joined[together++] = list[i];
			else
				others[left++] = list[i];
		answer(jobs, joined, together, alone);
		memcpy(list, others, left * sizeof *list);
		count = left;
	}
}

static void *work(void *shared)
{
	struct batch_queue *jobs = shared;
	struct batch_job *list[GRASP];
	bool alone;

	for (size_t count; (count = take(jobs, list, &alone)) > 0;)
		predict_reply_all(jobs, list, count, alone);
	return NULL;
}

/* -------------------------------------------------------------------- crew */

void batch_queue_begin(struct batch_queue *jobs)
{
	struct crew *crew = alloc(1, sizeof *crew);

	jobs->crew = crew;
	crew->last = &crew->first;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->more, NULL);
	crew->threads = alloc(jobs->threads, sizeof *crew->threads);
	for (unsigned i = 0; i < jobs->threads; i++)
		if (pthread_create(&crew->threads[i], NULL, work, jobs) != 0)
			die("cannot start thread %u", i + 1);
}

bool batch_queue_add(struct batch_queue *jobs, struct batch_job *job)
{
	struct crew *crew = jobs->crew;
	bool room;

	job->next = NULL;
	pthread_mutex_lock(&crew->lock);
	room = crew->waiting < jobs->most;
	if (room) {
		*crew->last = job;
		crew->last = &job->next;
		crew->waiting++;
		pthread_cond_signal(&crew->more);
	}
	pthread_mutex_unlock(&crew->lock);
	return room;
}

size_t batch_queue_waiting(const struct batch_queue *jobs)
{
	size_t waiting;

	pthread_mutex_lock(&jobs->crew->lock);
	waiting = jobs->crew->waiting;
	pthread_mutex_unlock(&jobs->crew->lock);
	return waiting;
}

void batch_queue_end(struct batch_queue *jobs)
{
	struct crew *crew = jobs->crew;

	pthread_mutex_lock(&crew->lock);
	crew->ending = true;
	pthread_cond_broadcast(&crew->more);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned i = 0; i < jobs->threads; i++)
		pthread_join(crew->threads[i], NULL);
	free(crew->threads);
	free(crew);
	jobs->crew = NULL;
}
