/* model_checksums: the checksums of models that are about to be searched. Those
 * of the embeddings, the largest tensors, are worked out while the first search
 * goes on; nothing may be written before model_checksums_end.  A wrong one ends
 * the process with a message that names the file. */
#ifndef MODEL_MODEL_CHECKSUMS_H
#define MODEL_MODEL_CHECKSUMS_H

#include <stddef.h>

#include "model/model.h"

/* Begin; returns when all but the embeddings' are right.  Tensors with a name
 * in skip, which ends with NULL, are left out: what is read of them is looked
 * at then.  The models stay where they are until model_checksums_end. */
void model_checksums_begin(const struct model *models, size_t count,
			   const char *const skip[], unsigned threads);

/* Wait for what model_checksums_begin left to do; may be called again. */
void model_checksums_end(void);

#endif
