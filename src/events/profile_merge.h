/* profile_merge: the profiles of several logs made the profile of all, by the
 * same exact sums. */
#ifndef EVENTS_PROFILE_MERGE_H
#define EVENTS_PROFILE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "events/customer_names.h"
#include "events/group_by.h"
#include "events/spill_runs.h"
#include "base/io.h"

/* How profiles are merged. */
struct profile_merge_options {
	const char *prefix; /* escaped, put before each tag; or NULL */
	size_t memory;      /* about how many bytes are used where files are
			       more than can be open */
	const struct customer_names *names; /* whom they leave out is not
					       written */
	unsigned threads; /* at most; the bytes are the same for any number */
};

/* What was read and written. */
struct profile_merge_counts {
	struct group_by_counts written;
	uint64_t lines;     /* rows read */
	uint64_t forgotten; /* those of them of customers who are left out */
};

/* Merge count profiles with equal headers (0: standard input) into one, with
 * its header.  Ends the process on what is no profile or has another header. */
struct profile_merge_counts
profile_merge(char **paths, size_t count,
	      const struct profile_merge_options *options,
	      struct output *output);

#endif
