#include "serve/predict_batch.h"

#include <string.h>

static void finish(struct predict_job *job)
{
	predict_reply_write(&job->reply);
	job->done(job);
}

/* Search for jobs that one search serves, and finish each. */
static void answer(struct predict_job *const jobs[], size_t count,
		   unsigned threads)
{
	struct predict_reply *replies[BATCH_QUEUE_MAX_BATCH];

	for (size_t i = 0; i < count; i++)
		replies[i] = &jobs[i]->reply;
	predict_reply_search(replies, count, threads);
	for (size_t i = 0; i < count; i++)
		finish(jobs[i]);
}

/* Read each job, and finish those that need no search.  Returns how many are
 * left, which come first then. */
static size_t read_all(struct served_model *loaded, struct predict_job *jobs[],
		       size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		struct predict_job *job = jobs[i];

		predict_request_begin(&job->reply.request, loaded);
		if (job->read(job))
			jobs[left++] = job;
		else if (job->reply.request.error != NULL)
			finish(job);
		else
			job->done(job);
	}
	return left;
}

void predict_batch_run(struct served_model *loaded, struct predict_job *jobs[],
		       size_t count, unsigned threads)
{
	struct predict_job *joined[BATCH_QUEUE_MAX_BATCH];
	struct predict_job *others[BATCH_QUEUE_MAX_BATCH];

	count = read_all(loaded, jobs, count);
	while (count > 0) {
		size_t together = 0, left = 0;

		for (size_t i = 0; i < count; i++)
			if (i == 0 || predict_reply_joins(&jobs[0]->reply,
							  &jobs[i]->reply))
				joined[together++] = jobs[i];
			else
				others[left++] = jobs[i];
		answer(joined, together, threads);
		memcpy(jobs, others, left * sizeof *jobs);
		count = left;
	}
}
