/* ordered_work: pieces of work that threads do side by side, and whose results
 * are taken in their order. */
#ifndef BASE_ORDERED_WORK_H
#define BASE_ORDERED_WORK_H

#include <pthread.h>
#include <stddef.h>

/* The piece whose turn it is, from 0; for what must wait for its turn amid its
 * work, as pieces of thread_pool_run: these are handed out in ascending order,
 * so the one whose turn it is never waits. */
struct ordered_turn {
	size_t piece;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

#define ORDERED_TURN_FIRST                                                     \
	{                                                                      \
		0, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER         \
	}

/* Wait until it is the turn of a piece. */
void ordered_turn_wait(struct ordered_turn *turn, size_t piece);

/* It is the turn of the next piece. */
void ordered_turn_pass(struct ordered_turn *turn);

/* thread_pool_run, and after work(shared, piece, thread) the same thread calls
 * take(shared, piece, thread): for all pieces in ascending order, one at a
 * time, beside the work of others.  Neither may be left by base/recovery. */
void ordered_work_run(unsigned threads, size_t pieces,
		      void (*work)(void *shared, size_t piece, unsigned thread),
		      void (*take)(void *shared, size_t piece, unsigned thread),
		      void *shared);

#endif
