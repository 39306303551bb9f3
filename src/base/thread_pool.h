/* thread_pool: the threads of a process, and work cut into fixed pieces.  Which
 * thread does which piece is left open; what a piece does is not. */
#ifndef BASE_THREAD_POOL_H
#define BASE_THREAD_POOL_H

#include <stddef.h>

/* Call work(shared, piece, thread) for each piece in [0, pieces), handed out
 * in ascending order, on threads threads of which the caller is one; returns
 * when all are done.  thread is in [0, threads). */
void thread_pool_run(unsigned threads, size_t pieces,
		     void (*work)(void *shared, size_t piece, unsigned thread),
		     void *shared);

#endif
