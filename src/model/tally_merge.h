/* tally_merge: tallies of shards added up. */
#ifndef MODEL_TALLY_MERGE_H
#define MODEL_TALLY_MERGE_H

#include <stddef.h>

#include "model/tally.h"

/* Add up count > 0 tallies of one round, made with the same options; sums may
 * be added up in turn.  What comes from the round before is the same in all and
 * is taken once.  Files are opened and checked by several threads.  NULL or an
 * error text that names a file.  sum is to be closed in both cases. */
const char *tally_merge(struct tally *sum, char *const *paths, size_t count,
			unsigned threads);

#endif
