#include "base/ordered_work.h"

#include <pthread.h>

#include "base/thread_pool.h"

struct ordered_work {
	void (*work)(void *shared, size_t piece, unsigned thread);
	void (*take)(void *shared, size_t piece, unsigned thread);
	void *shared;
	size_t turn; /* the piece that is taken next */
	pthread_mutex_t lock;
	pthread_cond_t turned; /* turn has changed */
};

/* Pieces are handed out in ascending order, so the one whose turn it is is done
 * or in work, and never waits. */
static void do_piece(void *context, size_t piece, unsigned thread)
{
	struct ordered_work *ordered = context;

	ordered->work(ordered->shared, piece, thread);
	pthread_mutex_lock(&ordered->lock);
	while (ordered->turn != piece)
		pthread_cond_wait(&ordered->turned, &ordered->lock);
	pthread_mutex_unlock(&ordered->lock);
	ordered->take(ordered->shared, piece, thread);
	pthread_mutex_lock(&ordered->lock);
	ordered->turn++;
	pthread_cond_broadcast(&ordered->turned);
	pthread_mutex_unlock(&ordered->lock);
}

void ordered_work_run(unsigned threads, size_t pieces,
		      void (*work)(void *shared, size_t piece, unsigned thread),
		      void (*take)(void *shared, size_t piece, unsigned thread),
		      void *shared)
{
	struct ordered_work ordered = {.work = work,
				       .take = take,
				       .shared = shared,
				       .lock = PTHREAD_MUTEX_INITIALIZER,
				       .turned = PTHREAD_COND_INITIALIZER};

	thread_pool_run(threads, pieces, do_piece, &ordered);
}
