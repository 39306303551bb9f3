#include "base/thread_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/recovery.h"

/* How often a thread polls for work before it sleeps: some ten microseconds,
 * less than it takes to wake one. */
enum { SPINS = 2000 };

/* A call of thread_pool_run; it lives on the caller's stack. */
struct job {
	void (*work)(void *shared, size_t piece, unsigned thread);
	void *shared;
	size_t pieces;
	atomic_size_t next;        /* the piece to be handed out next */
	struct recovery *recovery; /* the caller's work, or NULL */
	atomic_bool left;          /* it was left in a piece */
};

/* The threads of the process: started when first needed, never ended.  They
 * work on one job at a time. */
static struct {
	pthread_mutex_t lock; /* of all that is not atomic */
	pthread_cond_t wake;  /* there is a job to join */
	pthread_cond_t idle;  /* working has become 0 */
	bool taken;           /* there is a job */
	unsigned count;       /* threads */
	struct job *job;
	atomic_uint wanted;  /* threads that may still join it */
	atomic_uint working; /* threads that joined and are not done */
	unsigned joined;     /* threads that joined: the last one's number */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
	  .wake = PTHREAD_COND_INITIALIZER,
	  .idle = PTHREAD_COND_INITIALIZER};

/* A thread's share of a job. */
struct job_share {
	struct job *job;
	unsigned thread;
};

static void do_share(void *context)
{
	const struct job_share *share = context;
	struct job *job = share->job;
	size_t piece;

	while ((piece = atomic_fetch_add(&job->next, 1)) < job->pieces)
		job->work(job->shared, piece, share->thread);
}

/* Do pieces until all are handed out, or one fails. */
static void do_pieces(struct job *job, unsigned thread)
{
	struct job_share share = {job, thread};

	if (job->recovery == NULL) {
		do_share(&share);
	} else if (!recovery_run_part(job->recovery, do_share, &share)) {
		atomic_store(&job->left, true);
		atomic_store(&job->next, job->pieces);
	}
}

/* Poll until the count is above zero, or is zero, or SPINS times. */
static void spin(atomic_uint *count, bool above)
{
	for (int i = 0; i < SPINS && (atomic_load(count) > 0) != above; i++)
#ifdef __x86_64__
		__builtin_ia32_pause();
#else
		;
#endif
}

/* A thread of the pool: joins one job after the other. */
static void *worker(void *unused)
{
	(void)unused;
	for (;;) {
		spin(&pool.wanted, true);
		pthread_mutex_lock(&pool.lock);
		while (pool.wanted == 0)
			pthread_cond_wait(&pool.wake, &pool.lock);
		pool.wanted--;
		pool.working++;
		struct job *job = pool.job;
		unsigned thread = ++pool.joined;
		pthread_mutex_unlock(&pool.lock);
		do_pieces(job, thread);
		pthread_mutex_lock(&pool.lock);
		if (--pool.working == 0)
			pthread_cond_signal(&pool.idle);
		pthread_mutex_unlock(&pool.lock);
	}
	return NULL;
}

/* Start threads until there are at least so many, or no more can be had;
 * pool.lock is held.  Returns how many of them there are. */
static unsigned start_threads(unsigned threads)
{
	for (; pool.count < threads; pool.count++) {
		pthread_t id;

		if (pthread_create(&id, NULL, worker, NULL) != 0)
			return pool.count;
		pthread_detach(id);
	}
	return threads;
}

/* Let so many threads join the job; false where they work on another. */
static bool share(struct job *job, unsigned threads)
{
	pthread_mutex_lock(&pool.lock);
	bool taken = pool.taken;
	if (!taken) {
		pool.taken = true;
		pool.job = job;
		pool.joined = 0;
		pool.wanted = start_threads(threads);
		pthread_cond_broadcast(&pool.wake);
	}
	pthread_mutex_unlock(&pool.lock);
	return !taken;
}

/* All pieces are handed out: wait until the threads have done theirs. */
static void wait_for_workers(void)
{
	spin(&pool.working, false);
	pthread_mutex_lock(&pool.lock);
	pool.wanted = 0;
	while (pool.working > 0)
		pthread_cond_wait(&pool.idle, &pool.lock);
	pool.taken = false;
	pthread_mutex_unlock(&pool.lock);
}

void thread_pool_run(unsigned threads, size_t pieces,
		     void (*work)(void *shared, size_t piece, unsigned thread),
		     void *shared)
{
	struct job job = {.work = work,
			  .shared = shared,
			  .pieces = pieces,
			  .recovery = recovery_current()};

	if (threads > pieces)
		threads = (unsigned)pieces;
	/* A call from within a piece of another job uses this thread alone. */
	bool noted = job.recovery != NULL && threads > 1 &&
		     recovery_share(job.recovery);
	bool helped = threads > 1 && share(&job, threads - 1);
	do_pieces(&job, 0);
	if (helped)
		wait_for_workers();
	if (noted)
		recovery_unshare(job.recovery);
	if (job.left)
		recovery_leave();
}
