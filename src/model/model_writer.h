/* model_writer: a model as it is written: what is passed on of a matrix, and
 * what is added to it, up to the embedding, which its maker writes. */
#ifndef MODEL_MODEL_WRITER_H
#define MODEL_MODEL_WRITER_H

#include <jansson.h>
#include <stddef.h>

#include "model/safetensors_writer.h"

struct model_writer {
	const struct safetensors *matrix; /* verified; all but pads and checksum
					pass on */
	json_t *metadata;                 /* read, not kept */
	size_t n, m, k;
	const double *mean;       /* m: of columns, or NULL: not centred so */
	const double *components; /* m rows of k, each ld after the last */
	size_t ld;
	const double *sigma; /* k */
};

/* Write the header and all tensors before the embedding.  What the caller is
 * to write then: embedding (n x k floats), captured (n floats:
 * model/captured.h), residual (k doubles), pairs (2 doubles), and
 * tensor_writer_end. */
void model_writer_begin(struct tensor_writer *writer, struct output *output,
			const struct model_writer *store);

#endif
