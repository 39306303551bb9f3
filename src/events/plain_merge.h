/* plain_merge: profiles whose lines have no escapes, merged by several threads,
 * each a range of customers of all of them. */
#ifndef EVENTS_PLAIN_MERGE_H
#define EVENTS_PLAIN_MERGE_H

#include "events/customer_sums.h"
#include "events/profile_reader.h"

/* Merge the customers of the profiles, before the first profile_reader_next, up
 * to the first lines that are not plain (events/profile_lines.h): what is left
 * is for profile_reader_next.  What is written goes to write(context, bytes,
 * size), in order, as sums->writer would write it; what was written and read is
 * counted in sums and its writer. */
void plain_merge(struct profile_reader *profiles, unsigned threads,
		 struct customer_sums *sums,
		 void (*write)(void *context, const void *bytes, size_t size),
		 void *context);

#endif
