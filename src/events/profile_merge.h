/* profile_merge: the profiles of several logs made the profile of all, by the
 * same exact sums. */
#ifndef EVENTS_PROFILE_MERGE_H
#define EVENTS_PROFILE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "events/group_by.h"
#include "events/spill_runs.h"
#include "base/io.h"

/* Merge profiles with equal headers (no paths: standard input) into the
 * output, its header too; prefix stands before each tag, or is NULL.  Files
 * are open so many at a time; lines is how many pairs there were.  Ends the
 * process on what is no profile, or has another header. */
struct group_by_counts profile_merge(char **paths, size_t count,
				     const char *prefix, size_t memory,
				     struct output *output, uint64_t *lines);

#endif
