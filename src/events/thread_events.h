/* thread_events: the events that one thread has read, as records, and the names
 * that their indices stand for, until the names of all threads have ranks. */
#ifndef EVENTS_THREAD_EVENTS_H
#define EVENTS_THREAD_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "events/event_record.h"

enum { NAMES_OF_USERS, NAMES_OF_TAGS, NAME_KINDS };

/* The names of a kind. */
struct thread_names {
	struct string_table names; /* without any once they have ranks */
	/* After thread_events_rank: */
	size_t count;   /* how many there were */
	uint32_t *rank; /* count: the rank of each among all; owned */
};

/* All zero: no events. */
struct thread_events {
	struct thread_names dictionaries[NAME_KINDS];
	struct event_record *records; /* count; owned */
	size_t count, capacity;
	_Atomic size_t bytes; /* of memory, when last looked at */
	size_t *begin; /* parts + 1, of the parts that records are cut into */
};

/* Bytes of memory of the records and names; of names twice what they take,
 * since ranking copies them. */
size_t thread_events_bytes(const struct thread_events *events);

/* Move the names of a kind of all threads to all, which is empty, and set each
 * thread's rank, by the bytes of the names.  Returns the index in all of the
 * name of each rank, all->count of them, to be freed. */
uint32_t *thread_events_rank(struct thread_events *threads, unsigned count,
			     int kind, struct string_table *all);

/* Free the records. */
void thread_events_discard(struct thread_events *events);

/* Free the records and the names. */
void thread_events_free(struct thread_events *events);

#endif
