/* shard_removal: the model that a directory has in shards without some of its
 * customers, as another directory. */
#ifndef MODEL_SHARD_REMOVAL_H
#define MODEL_SHARD_REMOVAL_H

#include <stddef.h>

#include "events/customer_names.h"

/* What a removal has done. */
struct shard_removal {
	size_t gone, stay; /* customers */
};

/* Write to the directory output, which appears whole, the shards of a directory
 * without the customers that names have as forgotten.  Every byte is checked
 * first.  Counts of customers by tag, which all shards have of all of them, are
 * of those that stay; the set gets another id.  A shard may become empty, but
 * not all.  version is for the metadata.  Returns NULL, or an error text that
 * names the file that is wrong. */
const char *shard_removal_write(struct shard_removal *removal,
				const char *directory, const char *output,
				const struct customer_names *names,
				const char *version);

#endif
