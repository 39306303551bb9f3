#include "team.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "die.h"

struct team {
	void (*work)(void *shared, size_t piece, unsigned thread);
	void *shared;
	size_t pieces;
	atomic_size_t next;
};

struct member {
	struct team *team;
	unsigned thread;
	pthread_t id;
};

unsigned team_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	int count = CPU_COUNT(&set);
	return count > 0 ? (unsigned)count : 1;
}

static void *serve(void *argument)
{
	struct member *member = argument;
	struct team *team = member->team;
	size_t piece;

	while ((piece = atomic_fetch_add(&team->next, 1)) < team->pieces)
		team->work(team->shared, piece, member->thread);
	return NULL;
}

void team_run(unsigned threads, size_t pieces,
	      void (*work)(void *shared, size_t piece, unsigned thread),
	      void *shared)
{
	struct team team = {.work = work, .shared = shared, .pieces = pieces};
	struct member *members;

	if (threads > pieces)
		threads = (unsigned)pieces;
	if (threads == 0)
		threads = 1;
	members = alloc(threads, sizeof *members);
	for (unsigned i = 0; i < threads; i++)
		members[i] = (struct member){.team = &team, .thread = i};
	for (unsigned i = 1; i < threads; i++) {
		int error = pthread_create(&members[i].id, NULL, serve,
					   &members[i]);
		if (error != 0)
			die("cannot start thread %u: %s", i, strerror(error));
	}
	serve(&members[0]);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(members[i].id, NULL);
	free(members);
}
