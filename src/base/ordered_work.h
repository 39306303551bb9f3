/* ordered_work: pieces of work that threads do side by side, and whose results
 * are taken in their order. */
#ifndef BASE_ORDERED_WORK_H
#define BASE_ORDERED_WORK_H

#include <stddef.h>

/* thread_pool_run, and after work(shared, piece, thread) the same thread calls
 * take(shared, piece, thread): for all pieces in ascending order, one at a
 * time, beside the work of others.  Neither may be left by base/recovery. */
void ordered_work_run(unsigned threads, size_t pieces,
		      void (*work)(void *shared, size_t piece, unsigned thread),
		      void (*take)(void *shared, size_t piece, unsigned thread),
		      void *shared);

#endif
