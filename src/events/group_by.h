/* group_by: sums for each (customer, tag) of events in any order, on several
 * threads, in bounded memory.
 *
 * Each thread replaces names by indices and appends records of 16 bytes.  At
 * the end, or when memory is full, the records are cut by customer into parts
 * that fit the cache, and each part is sorted by radix and summed; its lines
 * are written in the order of their text.  What does not fit memory is written
 * as sorted runs (events/spill_runs.h), which are merged at the end.  Sums are
 * exact, so neither threads nor memory change the output. */
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
	size_t limit; /* bytes of memory, dictionaries included */
	struct thread_events *states; /* of each thread; private */
	struct spill_runs runs,
		tag_runs; /* sums of records; all tags; private */
};

/* What was written. */
struct group_by_counts {
	uint64_t users, tags, pairs;
};

/* Begin without records; limit: bytes of memory, dictionaries included. */
void group_by_begin(struct group_by *groups, unsigned threads, size_t limit);

/* indices[i]: the index of customer, or tag, list[i] for group_by_add by the
 * same thread; texts are escaped as they will be written.  Valid until
 * group_by_spill. */
void group_by_users(struct group_by *groups, unsigned thread,
		    const struct string_slice *list, size_t count,
		    uint32_t *indices);
void group_by_tags(struct group_by *groups, unsigned thread,
		   const struct string_slice *list, size_t count,
		   uint32_t *indices);

/* Add one event. */
void group_by_add(struct group_by *groups, unsigned thread, uint32_t user,
		  uint32_t tag, decimal value);

/* True where memory is full: then all threads stop, and one calls
 * group_by_spill.  Each thread calls it for itself from time to time. */
bool group_by_full(struct group_by *groups, unsigned thread);
void group_by_spill(struct group_by *groups);

/* Sum all events and write the lines of the profile; no event is left then. */
struct group_by_counts group_by_write(struct group_by *groups,
				      struct run_writer *profile);

/* Free all memory and temporary files. */
void group_by_end(struct group_by *groups);

#endif
