/* model_writer: writes a model, up to its embedding: the tensors that are
 * copied from its matrix, and the decomposition.  Who computes the embedding
 * writes it and what follows. */
#ifndef MODEL_MODEL_WRITER_H
#define MODEL_MODEL_WRITER_H

#include <jansson.h>
#include <stddef.h>

#include "model/safetensors_writer.h"

/* What is written, none of it owned. */
struct model_contents {
	const struct safetensors *matrix; /* verified; all tensors but padding
					     and checksums are copied */
	json_t *metadata;                 /* read, not kept */
	size_t n, m, k;                   /* customers, tags, dimensions */
	const double *mean;               /* m: of columns; NULL without column
					     centring */
	const double *components;         /* m rows of k numbers, ld apart */
	size_t ld;
	const double *sigma; /* k */
};

/* Write the header and all tensors before the embedding.  The caller then
 * writes embedding (n x k floats), captured (n floats: model/captured.h),
 * residual (k doubles) and pairs (2 doubles) by tensor_writer_put(), and calls
 * tensor_writer_end(). */
void model_writer_begin(struct tensor_writer *writer, struct output *output,
			const struct model_contents *contents);

#endif
