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

/* Merge count profiles with equal headers (0: standard input) into one, with
 * its header.  prefix, escaped, is put before each tag, unless NULL; memory is
 * about how many bytes are used where files are more than can be open.
 * Up to threads threads work; the bytes are the same for any number of them.
 * Customers that names leaves out are not written.  *lines becomes the number
 * of rows read, *forgotten that of rows of such customers.  Ends the process on
 * what is no profile or has another header. */
struct group_by_counts profile_merge(char **paths, size_t count,
				     const char *prefix, size_t memory,
				     const struct customer_names *names,
				     unsigned threads, struct output *output,
				     uint64_t *lines, uint64_t *forgotten);

#endif
