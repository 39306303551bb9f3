/* profile_output: where the profile of customers goes: a file, or the shards of
 * a directory; and its header line. */
#ifndef EVENTS_PROFILE_OUTPUT_H
#define EVENTS_PROFILE_OUTPUT_H

#include <stddef.h>

#include "base/io.h"
#include "events/column_detect.h"
#include "events/shard_writer.h"

struct profile_output {
	struct output *lines; /* takes the profile; of one of both */
	/* private */
	struct output file;
	struct shard_writer shards;
	size_t shard_count; /* 0: one file */
};

/* Open the file at path (NULL or "-": standard output) or, where shards > 0,
 * the directory of so many files.  path is kept; profile must not move.  Ends
 * the process where it cannot be opened. */
void profile_output_open(struct profile_output *profile, const char *path,
			 size_t shards);

/* Write the header: the names of the columns of customer, tag, events and
 * value; "customer" and so on where a name is NULL or empty. */
void profile_output_header(struct profile_output *profile, const char *customer,
			   const char *tag, const char *value);

/* Close it: the file, or the directory, appears.  Ends the process where
 * writing fails. */
void profile_output_close(struct profile_output *profile);

/* Close it without a file: what was written is lost. */
void profile_output_discard(struct profile_output *profile);

#endif
