/* ranks: the processes that work on one factorization.
 *
 * Two sources implement these functions: linalg/ranks.c for a process that is
 * alone, ranks_mpi.c for those that mpirun has started.  All are collective:
 * every rank must call them in the same order.  Sums are of integers, so they
 * do not depend on the order of ranks.  Where a call fails, or a process that
 * has begun ends without ranks_end(), all ranks end. */
#ifndef LINALG_RANKS_H
#define LINALG_RANKS_H

#include <stddef.h>
#include <stdint.h>

/* Join the other ranks. */
void ranks_begin(void);

/* Leave them: all have reached this. */
void ranks_end(void);

/* This process's number, from 0, and how many there are. */
unsigned ranks_self(void);
unsigned ranks_count(void);

/* items[i] (count) of rank 0 becomes the sum of those of all ranks; those of
 * others stay. */
void ranks_sum(int64_t *items, size_t count);

/* Bytes of rank 0 become those of all. */
void ranks_share(void *bytes, size_t size);

/* Wait until all ranks have come here. */
void ranks_wait(void);

#endif
