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
 * input, whose name is the directory.  map, input_try_map or input_try_copy
 * (base/io.h), is for each of them.  All shards are compared with their
 * checksums and every row is checked.  Sets *joined, for joined_shards_free, at
 * once, so that what is left for want of memory (base/recovery.h) can be freed.
 * Returns NULL, or an error text that does not name the directory, but the file
 * in it that is damaged, missing or of another set. */
const char *joined_shards_open(struct joined_shards **joined,
			       struct input *input, const char *directory,
			       const char *(*map)(struct input *));

/* Open the shards of a directory without joining them, for who needs no rows or
 * those of one shard after another: by their headers they are one set, all
 * there, and equal in what they have in common; rows and bytes are not looked
 * at.  *joined and errors as above. */
const char *joined_shards_check(struct joined_shards **joined,
				const char *directory);

/* How many shards were opened, and the path of one, owned by joined. */
size_t joined_shards_count(const struct joined_shards *joined);
const char *joined_shards_path(const struct joined_shards *joined, size_t i);

/* Free what joining took; the input stays open.  NULL is left alone. */
void joined_shards_free(struct joined_shards *joined);

#endif
