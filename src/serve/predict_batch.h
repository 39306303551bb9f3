/* predict_batch: several requests answered together.  Those that one search can
 * serve are searched for in one: a pass over a large model then serves many. */
#ifndef SERVE_PREDICT_BATCH_H
#define SERVE_PREDICT_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "serve/batch_queue.h"
#include "serve/predict_reply.h"
#include "serve/served_model.h"

struct predict_job {
	struct batch_job queued; /* first: a queued job is a predict_job */
	struct predict_reply reply;
	/* Reads reply.request, which has the model already.  False where no
	 * search is wanted: reply.request.error is set, and its body will be
	 * written; or it is not, and the reply is complete. */
	bool (*read)(struct predict_job *job);
	/* The reply is complete; the job is the caller's again. */
	void (*done)(struct predict_job *job);
};

/* Answer count jobs, at most BATCH_QUEUE_MAX_BATCH, with the model, in a search
 * of so many threads each.  The array is overwritten. */
void predict_batch_run(struct served_model *served, struct predict_job *jobs[],
		       size_t count, unsigned threads);

#endif
