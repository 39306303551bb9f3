/* The functions of linalg/ranks.h by MPI. */
#include <mpi.h>
#include <stdbool.h>
#include <stdlib.h>

#include "linalg/ranks.h"

/* Counts of MPI are int: what is longer goes in pieces. */
enum { PIECE = 1 << 24 };

static int self, count = 1;
static bool joined;

/* At the end of a process that has failed: the others would wait for it. */
static void end_all(int status, void *unused)
{
	(void)unused;
	if (joined && status != 0)
		MPI_Abort(MPI_COMM_WORLD, status);
	if (joined)
		MPI_Finalize();
}

void ranks_begin(void)
{
	int level;

	MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &self);
	MPI_Comm_size(MPI_COMM_WORLD, &count);
	joined = true;
	on_exit(end_all, NULL);
}

void ranks_end(void)
{
	joined = false;
	MPI_Finalize();
}

unsigned ranks_self(void)
{
	return (unsigned)self;
}

unsigned ranks_count(void)
{
	return (unsigned)count;
}

void ranks_sum(int64_t *items, size_t items_count)
{
	for (size_t at = 0, some; at < items_count; at += some) {
		some = items_count - at < PIECE ? items_count - at : PIECE;
		MPI_Reduce(self == 0 ? MPI_IN_PLACE : items + at,
			   self == 0 ? items + at : NULL, (int)some,
			   MPI_INT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
	}
}

void ranks_share(void *bytes, size_t size)
{
	for (size_t at = 0, some; at < size; at += some) {
		some = size - at < PIECE ? size - at : PIECE;
		MPI_Bcast((char *)bytes + at, (int)some, MPI_BYTE, 0,
			  MPI_COMM_WORLD);
	}
}

void ranks_wait(void)
{
	MPI_Barrier(MPI_COMM_WORLD);
}
