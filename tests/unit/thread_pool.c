/* thread_pool: every piece is done once, on a thread of the number asked for,
 * before the call returns; calls within a piece and calls side by side, too. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/machine_limits.h"
#include "base/thread_pool.h"

enum { PIECES = 1000, MAX_THREADS = 9, ROUNDS = 50 };

struct count {
	atomic_uint done[PIECES];
	unsigned threads; /* that were asked for */
	atomic_uint wrong;
	struct count *inner; /* to be run by piece 0, or NULL */
};

static atomic_uint failed;

static void work(void *shared, size_t piece, unsigned thread)
{
	struct count *count = shared;

	atomic_fetch_add(&count->done[piece], 1);
	if (thread >= count->threads)
		atomic_fetch_add(&count->wrong, 1);
	if (piece == 0 && count->inner != NULL)
		thread_pool_run(count->inner->threads, PIECES, work,
				count->inner);
}

static void check(const char *what, struct count *count, size_t pieces)
{
	for (size_t i = 0; i < PIECES; i++)
		if (count->done[i] != (i < pieces)) {
			printf("%s: piece %zu of %zu done %u times\n", what, i,
			       pieces, count->done[i]);
			failed = 1;
		}
	if (count->wrong != 0) {
		printf("%s: a thread that was not asked for\n", what);
		failed = 1;
	}
}

static void check_pieces(unsigned threads, size_t pieces)
{
	struct count count = {.threads = threads};

	thread_pool_run(threads, pieces, work, &count);
	check("pieces", &count, pieces);
}

static void check_nested(unsigned threads)
{
	struct count inner = {.threads = threads};
	struct count outer = {.threads = threads, .inner = &inner};

	thread_pool_run(threads, PIECES, work, &outer);
	check("outer", &outer, PIECES);
	check("inner", &inner, PIECES);
}

static void *run_often(void *unused)
{
	(void)unused;
	for (int round = 0; round < ROUNDS; round++)
		check_pieces(3, PIECES);
	return NULL;
}

int main(void)
{
	pthread_t others[2];

	for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
		check_pieces(threads, 0);
		check_pieces(threads, 1);
		check_pieces(threads, threads + 1);
		check_pieces(threads, PIECES);
		check_nested(threads);
	}
	for (int i = 0; i < 2; i++)
		pthread_create(&others[i], NULL, run_often, NULL);
	run_often(NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(others[i], NULL);
	if (machine_limits_processors() < 1) {
		printf("no processor\n");
		failed = 1;
	}
	return (int)failed;
}
