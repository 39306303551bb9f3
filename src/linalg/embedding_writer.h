/* embedding_writer: writes the rows of an embedding to a model as they are
 * computed, and what is found of each on the way: the share that the dimensions
 * hold (model/captured.h), and its part in the quantiles of pairs. */
#ifndef LINALG_EMBEDDING_WRITER_H
#define LINALG_EMBEDDING_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/tempfile.h"
#include "linalg/similarity_quantiles.h"
#include "model/model.h"
#include "model/safetensors_writer.h"

struct embedding_writer {
	struct tensor_writer *writer;
	struct similarity_quantiles *quantiles; /* or NULL */
	struct model described;   /* what captured_shares reads of a model */
	size_t before;            /* rows of earlier files */
	struct tempfile captured; /* a float a row, meanwhile */
};

/* Begin the tensor "embedding", the next of writer.  described has the matrix,
 * k, sigma, mean, scale, center and shift set; its tensors, writer and
 * quantiles are borrowed to the end.  Rows are added to the quantiles, unless
 * NULL, the file's row 0 as row before. memory: bytes of captured shares that
 * stay out of a temporary file. */
void embedding_writer_begin(struct embedding_writer *embedding,
			    struct tensor_writer *writer,
			    struct similarity_quantiles *quantiles,
			    const struct model *described, size_t before,
			    size_t memory);

/* Write count rows of k floats, from row first of the file on; for
 * projection_embed_all(), with the embedding_writer as context.  Adds count to
 * the progress. */
void embedding_writer_rows(void *context, size_t first, size_t count,
			   const float *rows);

/* Write the tensor "captured", if the model is to be whole, and free. */
void embedding_writer_end(struct embedding_writer *embedding, bool whole);

#endif
