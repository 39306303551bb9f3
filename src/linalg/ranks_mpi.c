/* The functions of linalg/ranks.h by MPI. */
#include <mpi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "linalg/ranks.h"

/* Counts of MPI are int: what is longer goes in pieces. */
enum { PIECE = 1 << 24 };

/* Of a wait so far, the next sleep is this share, but neither shorter nor
 * longer than so many nanoseconds. */
enum { SLEEP_SHARE = 8, SHORTEST_SLEEP = 10000, LONGEST_SLEEP = 1000000 };

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

/* Join, without the handlers that Open MPI sets for signals that nobody has
 * taken: they print a stack, where base/mapped_inputs.h names the file that
 * changed and removes what is temporary. */
static void init_without_handlers(void)
{
	static const int numbers[] = {SIGBUS, SIGSEGV, SIGFPE, SIGABRT};
	enum { NUMBERS = sizeof numbers / sizeof *numbers };
	struct sigaction before[NUMBERS];
	int level;

	for (size_t i = 0; i < NUMBERS; i++)
		sigaction(numbers[i], NULL, &before[i]);
	MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
	for (size_t i = 0; i < NUMBERS; i++)
		sigaction(numbers[i], &before[i], NULL);
}

void ranks_begin(void)
{
	init_without_handlers();
	MPI_Comm_rank(MPI_COMM_WORLD, &self);
	MPI_Comm_size(MPI_COMM_WORLD, &count);
	joined = true;
	on_exit(end_all, NULL);
}

unsigned ranks_self(void)
{
	return (unsigned)self;
}

unsigned ranks_count(void)
{
	return (unsigned)count;
}

static int64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return 1000000000 * (int64_t)now.tv_sec + now.tv_nsec;
}

static void sleep_after(int64_t waited)
{
	struct timespec time = {0};

	if (waited / SLEEP_SHARE < SHORTEST_SLEEP)
		return;
	time.tv_nsec = waited / SLEEP_SHARE < LONGEST_SLEEP
			       ? (long)(waited / SLEEP_SHARE)
			       : LONGEST_SLEEP;
	nanosleep(&time, NULL);
}

/* Wait until all ranks have come here, before what would wait for them by
 * asking without end: who waits for the algebra of rank 0, or for a slower
 * rank, leaves the processor to others. */
static void meet(void)
{
	int64_t begin = nanoseconds();
	MPI_Request request;
	int all = count == 1;

	if (!all)
		MPI_Ibarrier(MPI_COMM_WORLD, &request);
	while (!all) {
		MPI_Test(&request, &all, MPI_STATUS_IGNORE);
		if (!all)
			sleep_after(nanoseconds() - begin);
	}
}

void ranks_sum(int64_t *items, size_t items_count)
{
	meet();
	for (size_t at = 0, some; at < items_count; at += some) {
		some = items_count - at < PIECE ? items_count - at : PIECE;
		MPI_Reduce(self == 0 ? MPI_IN_PLACE : items + at,
			   self == 0 ? items + at : NULL, (int)some,
			   MPI_INT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
	}
}

void ranks_share(void *bytes, size_t size)
{
	meet();
	for (size_t at = 0, some; at < size; at += some) {
		some = size - at < PIECE ? size - at : PIECE;
		MPI_Bcast((char *)bytes + at, (int)some, MPI_BYTE, 0,
			  MPI_COMM_WORLD);
	}
}

void ranks_wait(void)
{
	meet();
}

void ranks_end(void)
{
	meet();
	joined = false;
	MPI_Finalize();
}
