/* groups: sums for each (customer, tag) of events in any order, on several
 * threads, in bounded memory.
 *
 * Each thread interns names and appends compact records.  Those are cut by
 * customer into parts that fit the cache, the parts sorted by radix and summed,
 * the lines written in the order of their text.  At the bound all that is
 * written as a run (runs.h), and the runs are merged at the end. */
#ifndef EVENTS_GROUP_BY_H
#define EVENTS_GROUP_BY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "base/number.h"
#include "events/spill_runs.h"
#include "base/io.h"

struct groups {
	unsigned threads;
	size_t limit;            /* bytes of memory, dictionaries included */
	struct group_thread *of; /* each thread's */
	struct runs runs, tag_runs;
};

/* What was written. */
struct group_counts {
	uint64_t users, tags, pairs;
};

void groups_begin(struct groups *groups, unsigned threads, size_t limit);

/* The indices of customers' names, and of tags, for groups_add; texts are
 * escaped as they will be written.  Valid until groups_spill. */
void groups_users(struct groups *groups, unsigned thread,
		  const struct name *list, size_t count, uint32_t *indices);
void groups_tags(struct groups *groups, unsigned thread,
		 const struct name *list, size_t count, uint32_t *indices);

/* One event. */
void groups_add(struct groups *groups, unsigned thread, uint32_t user,
		uint32_t tag, decimal value);

/* True when memory is full: all threads must stop, and one call groups_spill.
 * Asked by each thread from time to time for itself. */
bool groups_full(struct groups *groups, unsigned thread);
void groups_spill(struct groups *groups);

/* Write the lines of the profile; nothing is left then. */
struct group_counts groups_write(struct groups *groups, struct sink *profile);

void groups_end(struct groups *groups);

#endif
