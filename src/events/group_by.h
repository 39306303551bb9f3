/* group_by: sums for each (customer, tag) of events in any order, on several
 * threads, in bounded memory.
 *
 * Each thread interns names and appends compact records.  Those are cut by
 * customer into parts that fit the cache, the parts sorted by radix and summed,
 * the lines written in the order of their text.  At the bound all that is
 * written as a run (events/spill_runs.h), and the runs are merged at the end.
 */
#ifndef EVENTS_GROUP_BY_H
#define EVENTS_GROUP_BY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "base/decimal.h"
#include "events/spill_runs.h"
#include "base/io.h"

struct group_by {
	unsigned threads;
	size_t limit;               /* bytes of memory, dictionaries included */
	struct group_by_thread *of; /* each thread's */
	struct spill_runs runs, tag_runs;
};

/* What was written. */
struct group_by_counts {
	uint64_t users, tags, pairs;
};

void group_by_begin(struct group_by *groups, unsigned threads, size_t limit);

/* The indices of customers' names, and of tags, for group_by_add; texts are
 * escaped as they will be written.  Valid until group_by_spill. */
void group_by_users(struct group_by *groups, unsigned thread,
		    const struct string_slice *list, size_t count,
		    uint32_t *indices);
void group_by_tags(struct group_by *groups, unsigned thread,
		   const struct string_slice *list, size_t count,
		   uint32_t *indices);

/* One event. */
void group_by_add(struct group_by *groups, unsigned thread, uint32_t user,
		  uint32_t tag, decimal value);

/* True when memory is full: all threads must stop, and one call group_by_spill.
 * Asked by each thread from time to time for itself. */
bool group_by_full(struct group_by *groups, unsigned thread);
void group_by_spill(struct group_by *groups);

/* Write the lines of the profile; nothing is left then. */
struct group_by_counts group_by_write(struct group_by *groups,
				      struct run_writer *profile);

void group_by_end(struct group_by *groups);

#endif
