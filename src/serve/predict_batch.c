#include "serve/predict_batch.h"

#include <string.h>

#include "base/recovery.h"
#include "serve/predict_search.h"

/* Jobs whose replies are worked on; a failure is that of all of them. */
struct batch_part {
	struct predict_job *const *jobs;
	struct predict_reply *replies[BATCH_QUEUE_MAX_BATCH]; /* theirs */
	size_t count;
	unsigned threads;
	bool search; /* the job read is to be searched for */
};

static void undo(void *context)
{
	const struct batch_part *part = context;

	for (size_t i = 0; i < part->count; i++)
		predict_reply_fail(&part->jobs[i]->reply);
}

static void write_one(void *context)
{
	const struct batch_part *part = context;

	predict_reply_write(&part->jobs[0]->reply);
}

static void finish(struct predict_job *job)
{
	struct batch_part part = {.jobs = &job, .count = 1};

	if (recovery_run(write_one, &part, undo))
		predict_reply_return(&job->reply);
	job->done(job);
}

static void search(void *context)
{
	struct batch_part *part = context;

	predict_search_run(part->replies, part->count, part->threads);
}

/* Search for jobs that one search serves, and finish each. */
static void search_and_finish(struct predict_job *const jobs[], size_t count,
			      unsigned threads)
{
	struct batch_part part = {
		.jobs = jobs, .count = count, .threads = threads};
	bool found;

	for (size_t i = 0; i < count; i++)
		part.replies[i] = &jobs[i]->reply;
	found = recovery_run(search, &part, undo);
	for (size_t i = 0; i < count; i++)
		if (found)
			finish(jobs[i]);
		else
			jobs[i]->done(jobs[i]);
}

static void read_one(void *context)
{
	struct batch_part *part = context;
	struct predict_job *job = part->jobs[0];

	part->search = job->read(job);
}

/* Read each job, and finish those that need no search.  Returns how many are
 * left, which come first then. */
static size_t read_all(struct served_model *served, struct predict_job *jobs[],
		       size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		struct predict_job *job = jobs[i];
		struct batch_part part = {.jobs = &job, .count = 1};

		predict_request_begin(&job->reply.request, served);
		if (recovery_run(read_one, &part, undo))
			predict_reply_return(&job->reply);
		if (job->reply.failed)
			job->done(job);
		else if (part.search)
			jobs[left++] = job;
		else if (job->reply.request.error != NULL)
			finish(job);
		else
			job->done(job);
	}
	return left;
}

/* What one search finds: so many queries, of so many neighbours each. */
struct extent {
	size_t queries, limit;
};

/* Have room for a reply in a search, whose results may be as many as those of
 * one request: the memory for them is bounded whoever asks at the same time. */
static bool extend(struct extent *extent, const struct predict_reply *reply)
{
	size_t queries = extent->queries + predict_search_queries(reply);
	size_t limit = reply->request.limit > extent->limit
			       ? reply->request.limit
			       : extent->limit;

	if (extent->queries > 0 && queries * limit > REQUEST_MAX_AUDIENCE)
		return false;
	*extent = (struct extent){queries, limit};
	return true;
}

void predict_batch_run(struct served_model *served, struct predict_job *jobs[],
		       size_t count, unsigned threads)
{
	struct predict_job *joined[BATCH_QUEUE_MAX_BATCH];
	struct predict_job *others[BATCH_QUEUE_MAX_BATCH];

	count = read_all(served, jobs, count);
	while (count > 0) {
		size_t together = 0, left = 0;
		struct extent extent = {0};

		for (size_t i = 0; i < count; i++)
			if ((i == 0 || predict_search_joins(&jobs[0]->reply,
							    &jobs[i]->reply)) &&
			    extend(&extent, &jobs[i]->reply))
				joined[together++] = jobs[i];
			else
				others[left++] = jobs[i];
		search_and_finish(joined, together, threads);
		memcpy(jobs, others, left * sizeof *jobs);
		count = left;
	}
}
