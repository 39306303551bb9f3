#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/errors.h"

/* How often a thread looks for work before it sleeps: some ten microseconds,
 * less than it takes to wake one. */
enum { LOOKS = 2000 };

struct team {
	void (*work)(void *shared, size_t piece, unsigned thread);
	void *shared;
	size_t pieces;
	atomic_size_t next;
};

/* Threads that stay, once there was work for them; one team at a time has
 * them. */
static struct {
	pthread_mutex_t lock; /* of all that is no atomic */
	pthread_cond_t wake, left;
	bool taken;     /* a team has them */
	unsigned count; /* threads that there are */
	struct team *team;
	atomic_uint wanted;  /* how many may still join it */
	atomic_uint working; /* how many have and are not done */
	unsigned joined;     /* how many have in all: their numbers */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
	  .wake = PTHREAD_COND_INITIALIZER,
	  .left = PTHREAD_COND_INITIALIZER};

unsigned thread_pool_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	int count = CPU_COUNT(&set);
	return count > 0 ? (unsigned)count : 1;
}

static void serve(struct team *team, unsigned thread)
{
	size_t piece;

	while ((piece = atomic_fetch_add(&team->next, 1)) < team->pieces)
		team->work(team->shared, piece, thread);
}

/* Wait a little for the count to be above zero, or to be zero. */
static void look(atomic_uint *count, bool above)
{
	for (int i = 0; i < LOOKS && (atomic_load(count) > 0) != above; i++)
#ifdef __x86_64__
		__builtin_ia32_pause();
#else
		;
#endif
}

/* A thread of the pool: joins team after team. */
static void *stay(void *unused)
{
	(void)unused;
	for (;;) {
		look(&pool.wanted, true);
		pthread_mutex_lock(&pool.lock);
		while (pool.wanted == 0)
			pthread_cond_wait(&pool.wake, &pool.lock);
		pool.wanted--;
		pool.working++;
		struct team *team = pool.team;
		unsigned thread = ++pool.joined;
		pthread_mutex_unlock(&pool.lock);
		serve(team, thread);
		pthread_mutex_lock(&pool.lock);
		if (--pool.working == 0)
			pthread_cond_signal(&pool.left);
		pthread_mutex_unlock(&pool.lock);
	}
	return NULL;
}

/* Have at least so many threads; pool.lock is held. */
static void hire(unsigned threads)
{
	for (; pool.count < threads; pool.count++) {
		pthread_t id;
		int error = pthread_create(&id, NULL, stay, NULL);
		if (error != 0)
			die("cannot start thread %u: %s", pool.count + 1,
			    strerror(error));
		pthread_detach(id);
	}
}

/* Offer the team to so many threads; false where another team has them. */
static bool offer(struct team *team, unsigned threads)
{
	pthread_mutex_lock(&pool.lock);
	bool taken = pool.taken;
	if (!taken) {
		hire(threads);
		pool.taken = true;
		pool.team = team;
		pool.joined = 0;
		pool.wanted = threads;
		pthread_cond_broadcast(&pool.wake);
	}
	pthread_mutex_unlock(&pool.lock);
	return !taken;
}

/* All pieces are handed out: wait for those who are at one. */
static void dismiss(void)
{
	look(&pool.working, false);
	pthread_mutex_lock(&pool.lock);
	pool.wanted = 0;
	while (pool.working > 0)
		pthread_cond_wait(&pool.left, &pool.lock);
	pool.taken = false;
	pthread_mutex_unlock(&pool.lock);
}

void thread_pool_run(unsigned threads, size_t pieces,
		     void (*work)(void *shared, size_t piece, unsigned thread),
		     void *shared)
{
	struct team team = {.work = work, .shared = shared, .pieces = pieces};

	if (threads > pieces)
		threads = (unsigned)pieces;
	/* A team within a piece of another works alone. */
	bool helped = threads > 1 && offer(&team, threads - 1);
	serve(&team, 0);
	if (helped)
		dismiss();
}
