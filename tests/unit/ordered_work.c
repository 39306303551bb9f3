/* ordered_work: every piece is worked on once, and taken in order by the thread
 * that worked on it. */
#include "base/ordered_work.h"

#include <stdio.h>

enum { PIECES = 500, MAX_THREADS = 5 };

struct list {
	size_t last[MAX_THREADS]; /* piece + 1 that the thread has in work */
	size_t taken;
	unsigned threads;
	int failed;
};

static void work(void *shared, size_t piece, unsigned thread)
{
	struct list *list = shared;

	if (thread < list->threads)
		list->last[thread] = piece + 1;
	/* Pieces differ in length. */
	for (volatile size_t i = 0; i < piece % 7 * 1000; i++)
		;
}

static void take(void *shared, size_t piece, unsigned thread)
{
	struct list *list = shared;

	if (piece != list->taken || thread >= list->threads ||
	    list->last[thread] != piece + 1)
		list->failed = 1;
	list->taken++;
}

int main(void)
{
	int failed = 0;

	for (unsigned threads = 1; threads <= MAX_THREADS; threads++)
		for (size_t pieces = 0; pieces <= PIECES; pieces += 125) {
			struct list list = {.threads = threads};
			ordered_work_run(threads, pieces, work, take, &list);
			if (list.failed == 0 && list.taken == pieces)
				continue;
			printf("%u threads, %zu pieces\n", threads, pieces);
			failed = 1;
		}
	return failed;
}
