#include "events/thread_events.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Twice the bytes of names: once more for those of all threads. */
static size_t dictionary_bytes(const struct string_table *names)
{
	return 2 * (names->room + names->capacity * sizeof *names->offsets +
		    names->slot_count * sizeof *names->slots +
		    names->count * sizeof(uint32_t));
}

size_t thread_events_bytes(const struct thread_events *events)
{
	size_t bytes = events->count * sizeof *events->records;

	for (int kind = 0; kind < NAME_KINDS; kind++)
		bytes += dictionary_bytes(&events->dictionaries[kind].names);
	return bytes;
}

/* Move a thread's names to those of all; own->rank becomes their indices there,
 * until ranks are known. */
static void add_names(struct string_table *all, struct thread_names *own)
{
	enum { BATCH = 256 };
	struct string_slice list[BATCH];

	own->count = own->names.count;
	own->rank = alloc(own->count, sizeof *own->rank);
	if (all->count == 0) {
		*all = own->names;
		own->names = (struct string_table){0};
		for (size_t i = 0; i < own->count; i++)
			own->rank[i] = (uint32_t)i;
		return;
	}
	for (size_t i = 0, some; i < own->count; i += some) {
		some = own->count - i < BATCH ? own->count - i : BATCH;
		for (size_t j = 0; j < some; j++)
			list[j] = (struct string_slice){
				string_table_text(&own->names, i + j),
				string_table_length(&own->names, i + j)};
		string_table_add_all(all, list, some, own->rank + i);
	}
	string_table_free(&own->names);
}

uint32_t *thread_events_rank(struct thread_events *threads, unsigned count,
			     int kind, struct string_table *all)
{
	for (unsigned t = 0; t < count; t++)
		add_names(all, &threads[t].dictionaries[kind]);
	uint32_t *rank = alloc(all->count, sizeof *rank);
	uint32_t *order = alloc(all->count, sizeof *order);
	string_table_rank(all, rank);
	for (size_t i = 0; i < all->count; i++)
		order[rank[i]] = (uint32_t)i;
	for (unsigned t = 0; t < count; t++) {
		struct thread_names *own = &threads[t].dictionaries[kind];

		for (size_t i = 0; i < own->count; i++)
			own->rank[i] = rank[own->rank[i]];
	}
	free(rank);
	return order;
}

void thread_events_discard(struct thread_events *events)
{
	free(events->records);
	free(events->begin);
	events->records = NULL;
	events->begin = NULL;
	events->count = events->capacity = 0;
}

void thread_events_free(struct thread_events *events)
{
	for (int kind = 0; kind < NAME_KINDS; kind++)
		string_table_free(&events->dictionaries[kind].names);
	thread_events_discard(events);
}
