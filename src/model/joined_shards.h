/* joined_shards: the shards of a directory as one model, for what reads one.
 *
 * The model is a file of the format of model/safetensors, without a name, in
 * $TMPDIR: rows in the byte order of the customers' names, as in the model of
 * one matrix.  What the shards have in common stands in it once; the index of a
 * shard is left out, for it is of that shard's rows. */
#ifndef MODEL_JOINED_SHARDS_H
#define MODEL_JOINED_SHARDS_H

#include "base/io.h"

/* What joining takes. */
struct joined_shards;

/* Write the model that a directory of cs-svd has in shards, and open it as
 * input, whose name is the directory.  All shards are compared with their
 * checksums and every row is checked.  Sets *joined, for joined_shards_free, at
 * once, so that what is left for want of memory (base/recovery.h) can be freed.
 * Returns NULL, or an error text that does not name the directory, but the file
 * in it that is damaged, missing or of another set. */
const char *joined_shards_open(struct joined_shards **joined,
			       struct input *input, const char *directory);

/* Free what joining took; the input stays open.  NULL is left alone. */
void joined_shards_free(struct joined_shards *joined);

#endif
