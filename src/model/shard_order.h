/* shard_order: the customers of several files, in the byte order of their
 * names. */
#ifndef MODEL_SHARD_ORDER_H
#define MODEL_SHARD_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "model/shard_files.h"

/* Where a customer is stored. */
struct shard_place {
	uint32_t shard, row;
};

/* Set places[i] to where the i-th customer of all files is; there is room for
 * all of them.  O(n log count).  Returns NULL, or an error text that names the
 * file: a customer is in two files, a file is out of order, or there are more
 * than 2^32 - 1. */
const char *shard_order_merge(const struct shard_file *shards, size_t count,
			      struct shard_place *places);

#endif
