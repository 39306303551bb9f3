#include "base/recovery.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 256 };

/* Blocks of memory: a hash table with linear probing, at most half full. */
struct recovery {
	void **slots; /* capacity, a power of two; NULL: free */
	size_t capacity, count;
	bool shared; /* several threads note blocks */
	pthread_mutex_t lock;
	void *first[FIRST_SLOTS];
};

static _Thread_local struct recovery *current;
static _Thread_local jmp_buf *way_out; /* where this thread leaves to */

void __real_free(void *block);
void __wrap_free(void *block);

/* ------------------------------------------------------------------ blocks */

static void lock(struct recovery *recovery)
{
	if (recovery->shared)
		pthread_mutex_lock(&recovery->lock);
}

static void unlock(struct recovery *recovery)
{
	if (recovery->shared)
		pthread_mutex_unlock(&recovery->lock);
}

/* The slot where the search for a block begins. */
static size_t home(const struct recovery *recovery, const void *block)
{
	uint64_t hash = (uint64_t)(uintptr_t)block * 0x9e3779b97f4a7c15U;

	return (size_t)(hash >> 32) & (recovery->capacity - 1);
}

static size_t next(const struct recovery *recovery, size_t slot)
{
	return (slot + 1) & (recovery->capacity - 1);
}

static void insert(struct recovery *recovery, void *block)
{
	size_t slot = home(recovery, block);

	while (recovery->slots[slot] != NULL)
		slot = next(recovery, slot);
	recovery->slots[slot] = block;
	recovery->count++;
}

/* Move the blocks behind a slot that became free to where they are found. */
static void close_gap(struct recovery *recovery, size_t gap)
{
	size_t mask = recovery->capacity - 1;

	for (size_t slot = next(recovery, gap); recovery->slots[slot] != NULL;
	     slot = next(recovery, slot)) {
		size_t begin = home(recovery, recovery->slots[slot]);

		if (((slot - begin) & mask) < ((slot - gap) & mask))
			continue;
		recovery->slots[gap] = recovery->slots[slot];
		gap = slot;
	}
	recovery->slots[gap] = NULL;
}

/* Forget a block; false where it was not noted. */
static bool forget(struct recovery *recovery, const void *block)
{
	size_t slot = home(recovery, block);

	while (recovery->slots[slot] != NULL && recovery->slots[slot] != block)
		slot = next(recovery, slot);
	if (recovery->slots[slot] == NULL)
		return false;
	close_gap(recovery, slot);
	recovery->count--;
	return true;
}

static bool grow(struct recovery *recovery)
{
	void **before = recovery->slots;
	size_t capacity = recovery->capacity;
	void **slots = calloc(2 * capacity, sizeof *slots);

	if (slots == NULL)
		return false;
	recovery->slots = slots;
	recovery->capacity = 2 * capacity;
	recovery->count = 0;
	for (size_t i = 0; i < capacity; i++)
		if (before[i] != NULL)
			insert(recovery, before[i]);
	if (before != recovery->first)
		__real_free(before);
	return true;
}

bool recovery_reserve(void)
{
	bool room = true;

	if (current == NULL)
		return true;
	lock(current);
	/* A slot for each thread that may have reserved one. */
	if (2 * current->count + FIRST_SLOTS / 2 > current->capacity)
		room = grow(current);
	unlock(current);
	return room;
}

void recovery_record(void *block)
{
	if (current == NULL)
		return;
	lock(current);
	insert(current, block);
	unlock(current);
}

bool recovery_forget(const void *block)
{
	bool noted;

	if (current == NULL)
		return false;
	lock(current);
	noted = forget(current, block);
	unlock(current);
	return noted;
}

/* What free() is in the programs. */
void __wrap_free(void *block)
{
	if (block != NULL)
		recovery_forget(block);
	__real_free(block);
}

/* -------------------------------------------------------------------- work */

struct recovery *recovery_current(void)
{
	return current;
}

void recovery_leave(void)
{
	if (way_out != NULL)
		_longjmp(*way_out, 1);
}

bool recovery_share(struct recovery *recovery)
{
	bool before = recovery->shared;

	recovery->shared = true;
	return !before;
}

void recovery_unshare(struct recovery *recovery)
{
	recovery->shared = false;
}

bool recovery_run_part(struct recovery *recovery, void (*part)(void *context),
		       void *context)
{
	struct recovery *volatile outer = current;
	jmp_buf *volatile outer_way = way_out;
	volatile bool done = false;
	jmp_buf here;

	current = recovery;
	way_out = &here;
	if (_setjmp(here) == 0) {
		part(context);
		done = true;
	}
	way_out = outer_way;
	current = outer;
	return done;
}

static void free_blocks(struct recovery *recovery)
{
	for (size_t i = 0; i < recovery->capacity; i++)
		__real_free(recovery->slots[i]);
}

bool recovery_run(void (*work)(void *context), void *context,
		  void (*undo)(void *context))
{
	struct recovery recovery;
	bool done;

	if (current != NULL) {
		work(context);
		return true;
	}
	recovery = (struct recovery){.capacity = FIRST_SLOTS,
				     .lock = PTHREAD_MUTEX_INITIALIZER};
	recovery.slots = recovery.first;
	done = recovery_run_part(&recovery, work, context);
	if (!done) {
		current = &recovery;
		undo(context);
		current = NULL;
		free_blocks(&recovery);
	}
	if (recovery.slots != recovery.first)
		__real_free(recovery.slots);
	return done;
}
