/* shard_writer: a profile divided by customer into the files of a directory.
 *
 * A customer's lines go to shard XXH3(customer) mod count (64 bits, seed
 * SHARD_KEY, of the name as it stands in the profile), so shards of one number
 * from several logs add up shard by shard.  Each has the header line.  A shard
 * may be without customers. */
#ifndef EVENTS_SHARD_WRITER_H
#define EVENTS_SHARD_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "base/output_directory.h"

/* Shards are open at the same time: 256 KB of memory each. */
enum { SHARD_WRITER_MAX_SHARDS = 512 };

/* The seed of the hash, other than those of other hashes of names. */
#define SHARD_KEY UINT64_C(0x5368617264)

struct shard_writer {
	struct output lines; /* takes the profile */
	/* private */
	struct output_directory directory;
	struct output *shards; /* count */
	size_t count;
	size_t current; /* of the line that has begun; count: all */
	bool headed;    /* the header line has ended */
	bool begun;     /* a line that has not ended yet */
};

/* Open the directory; its files are 0.tsv and so on, numbers of as many
 * digits as the last has.  path is kept.  1 <= count <=
 * SHARD_WRITER_MAX_SHARDS. */
void shard_writer_open(struct shard_writer *writer, const char *path,
		       size_t count);

/* Close lines and all files; the directory appears. */
void shard_writer_close(struct shard_writer *writer);

/* Close without a directory: what was written is lost. */
void shard_writer_discard(struct shard_writer *writer);

#endif
