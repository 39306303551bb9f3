/* recovery: work that dies is left, undone, and what it allocated is freed; so
 * is work that several threads share; and what was freed is freed once. */
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/recovery.h"
#include "base/thread_pool.h"

enum { BLOCKS = 5000, BYTES = 1000, PIECES = 200 };

static int failed;

static void check(int holds, const char *what)
{
	if (!holds) {
		printf("%s\n", what);
		failed = 1;
	}
}

struct job {
	char *owned, *before;
	size_t capacity;
	bool dies, undone;
	atomic_int pieces;
};

static void undo(void *context)
{
	struct job *job = context;

	job->undone = true;
	free(job->owned);
	job->owned = NULL;
}

/* Allocate, grow and free, and keep some in hand. */
static void work(void *context)
{
	struct job *job = context;
	char *kept[BLOCKS];

	job->owned = alloc_text("owned", 5);
	for (size_t i = 0; i < BLOCKS; i++) {
		kept[i] = alloc(BYTES, 1);
		if (i % 3 == 0)
			free(kept[i]);
		else if (i % 3 == 1)
			kept[i] = alloc_resize(kept[i], 2 * BYTES, 1);
	}
	/* What is older than the work stays its owner's. */
	job->before =
		alloc_grow(job->before, &job->capacity, job->capacity + 1, 1);
	if (job->dies)
		die("on purpose");
	for (size_t i = 0; i < BLOCKS; i++)
		if (i % 3 != 0)
			free(kept[i]);
}

static void work_alone(bool dies)
{
	struct job job = {.dies = dies};
	bool done;

	job.before = alloc_grow(NULL, &job.capacity, 100, 1);
	memset(job.before, 'x', 100);
	done = recovery_run(work, &job, undo);
	check(done == !dies && job.undone == dies, "whether it was left");
	check((job.owned == NULL) == dies, "what undo frees");
	check(job.before[99] == 'x', "what was there before");
	check(recovery_current() == NULL, "the work is over");
	free(job.before);
	free(job.owned);
}

static void piece(void *context, size_t number, unsigned thread)
{
	struct job *job = context;
	char *block = alloc(BYTES, 1);

	(void)thread;
	atomic_fetch_add(&job->pieces, 1);
	if (job->dies && number % 50 == 49)
		die("on purpose");
	free(block);
}

static void share_work(void *context)
{
	thread_pool_run(4, PIECES, piece, context);
}

static void work_on_threads(bool dies)
{
	struct job job = {.dies = dies};
	bool done = recovery_run(share_work, &job, undo);

	check(done == !dies && job.undone == dies, "whether threads left it");
	check(dies || job.pieces == PIECES, "the pieces of all threads");
}

static void nested(void *context)
{
	struct job *job = context;

	recovery_run(work, job, undo);
	/* Not reached where that dies: both are left. */
	job->pieces = 1;
}

static void undo_outer(void *context)
{
	struct job *job = context;

	free(job->before);
	job->before = NULL;
	undo(job);
}

static void work_within_work(void)
{
	struct job job = {.dies = true};

	check(!recovery_run(nested, &job, undo_outer) && job.pieces == 0,
	      "work within work");
}

int main(void)
{
	int null = open("/dev/null", O_WRONLY);
	size_t used;

	/* The messages of those that die on purpose. */
	dup2(null, STDERR_FILENO);
	work_alone(false);
	work_alone(true);
	used = mallinfo2().uordblks;
	for (int i = 0; i < 20; i++) {
		work_alone(i % 2 == 0);
		work_on_threads(i % 2 == 0);
		work_within_work();
	}
	/* One run keeps 5 MB in hand; the C library may keep a little. */
	check(mallinfo2().uordblks < used + 1000000, "what was not freed");
	close(null);
	return failed;
}
