#include "base/ordered_work.h"

#include "base/thread_pool.h"

struct ordered_work {
	void (*work)(void *shared, size_t piece, unsigned thread);
	void (*take)(void *shared, size_t piece, unsigned thread);
	void *shared;
	struct ordered_turn turn;
};

void ordered_turn_wait(struct ordered_turn *turn, size_t piece)
{
	pthread_mutex_lock(&turn->lock);
	while (turn->piece != piece)
		pthread_cond_wait(&turn->changed, &turn->lock);
	pthread_mutex_unlock(&turn->lock);
}

void ordered_turn_pass(struct ordered_turn *turn)
{
	pthread_mutex_lock(&turn->lock);
	turn->piece++;
	pthread_cond_broadcast(&turn->changed);
	pthread_mutex_unlock(&turn->lock);
}

static void do_piece(void *context, size_t piece, unsigned thread)
{
	struct ordered_work *ordered = context;

	ordered->work(ordered->shared, piece, thread);
	ordered_turn_wait(&ordered->turn, piece);
	ordered->take(ordered->shared, piece, thread);
	ordered_turn_pass(&ordered->turn);
}

void ordered_work_run(unsigned threads, size_t pieces,
		      void (*work)(void *shared, size_t piece, unsigned thread),
		      void (*take)(void *shared, size_t piece, unsigned thread),
		      void *shared)
{
	struct ordered_work ordered = {.work = work,
				       .take = take,
				       .shared = shared,
				       .turn = ORDERED_TURN_FIRST};

	thread_pool_run(threads, pieces, do_piece, &ordered);
}
