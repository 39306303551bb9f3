/* batch_queue: every job is run once, at most BATCH_QUEUE_MAX_BATCH at a time
 * and in order; no more wait than may; what waits at the end is run. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "serve/batch_queue.h"

enum { JOBS = 2000, LIMIT = 300 };

struct job {
	struct batch_job queued; /* first: a queued job is a job */
	atomic_int runs;
	size_t number;
};

struct work {
	atomic_bool held; /* workers wait while it is */
	atomic_size_t runs, largest, begun, alone;
	size_t last; /* number of the last job, of one worker */
	atomic_bool disordered;
};

static int failed;
static struct job jobs[JOBS];

static void check(int holds, const char *what)
{
	if (!holds) {
		printf("%s\n", what);
		failed = 1;
	}
}

static void pause_a_little(void)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	nanosleep(&moment, NULL);
}

static void run(void *context, struct batch_job *taken[], size_t count,
		bool alone)
{
	struct work *work = context;

	atomic_fetch_add(&work->begun, 1);
	atomic_fetch_add(&work->alone, alone);
	while (atomic_load(&work->held))
		pause_a_little();
	if (count > atomic_load(&work->largest))
		atomic_store(&work->largest, count);
	for (size_t i = 0; i < count; i++) {
		struct job *job = (struct job *)taken[i];

		if (job->number != work->last + 1)
			work->disordered = true;
		work->last = job->number;
		atomic_fetch_add(&job->runs, 1);
		atomic_fetch_add(&work->runs, 1);
	}
}

static void add(struct batch_queue *queue, size_t number)
{
	jobs[number - 1].number = number;
	atomic_store(&jobs[number - 1].runs, 0);
	while (!batch_queue_add(queue, &jobs[number - 1].queued))
		pause_a_little();
}

static void check_each_once(size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (atomic_load(&jobs[i].runs) != 1) {
			printf("job %zu was run %d times\n", i,
			       atomic_load(&jobs[i].runs));
			failed = 1;
			return;
		}
}

static void run_all(unsigned threads)
{
	struct work work = {0};
	struct batch_queue queue = {.threads = threads,
				    .limit = LIMIT,
				    .context = &work,
				    .run = run};

	check(batch_queue_begin(&queue) == NULL, "workers that start");
	for (size_t i = 1; i <= JOBS; i++)
		add(&queue, i);
	batch_queue_end(&queue);
	check(work.runs == JOBS, "jobs that were run in all");
	check_each_once(JOBS);
	check(work.largest <= BATCH_QUEUE_MAX_BATCH, "jobs of one call");
	check(threads > 1 || !work.disordered, "the order of one worker");
}

/* With the one worker held, LIMIT jobs wait and no more. */
static void refuse(void)
{
	struct work work = {.held = true};
	struct batch_queue queue = {
		.threads = 1, .limit = LIMIT, .context = &work, .run = run};
	struct job more = {.number = 0};

	check(batch_queue_begin(&queue) == NULL, "a worker that starts");
	add(&queue, 1);
	while (atomic_load(&work.begun) == 0)
		pause_a_little();
	check(work.alone == 1, "a job that came alone");
	check(batch_queue_waiting(&queue) == 0, "none waits");
	for (size_t i = 2; i <= LIMIT + 1; i++)
		add(&queue, i);
	check(batch_queue_waiting(&queue) == LIMIT, "how many wait");
	check(!batch_queue_add(&queue, &more.queued), "one more than may wait");
	check(batch_queue_waiting(&queue) == LIMIT, "a refused job");
	atomic_store(&work.held, false);
	batch_queue_end(&queue);
	check_each_once(LIMIT + 1);
	check(work.largest == BATCH_QUEUE_MAX_BATCH, "a full batch");
	check(more.runs == 0, "the refused job");
}

int main(void)
{
	run_all(1);
	run_all(3);
	refuse();
	return failed;
}
