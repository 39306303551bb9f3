/* tally_builder: the tally of a shard's profiles. */
#ifndef MODEL_TALLY_BUILDER_H
#define MODEL_TALLY_BUILDER_H

#include "model/matrix_builder.h"
#include "model/tally.h"

/* Set tally to what builder, whose options have tally set, has counted; texts
 * and counts stay the builder's.  version is the program's.  To be freed by
 * tally_builder_free, before the builder. */
void tally_builder_set(struct tally *tally, struct matrix_builder *builder,
		       const char *version);
void tally_builder_free(struct tally *tally);

#endif
