#include "linalg/embedding_writer.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "model/captured.h"

void embedding_writer_begin(struct embedding_writer *embedding,
			    struct tensor_writer *writer,
			    struct similarity_quantiles *quantiles,
			    const struct model *described, size_t before,
			    size_t memory)
{
	*embedding = (struct embedding_writer){.writer = writer,
					       .quantiles = quantiles,
					       .described = *described,
					       .before = before};
	tempfile_begin(&embedding->captured, memory);
}

void embedding_writer_rows(void *context, size_t first, size_t count,
			   const float *rows)
{
	struct embedding_writer *embedding = context;
	float *shares = alloc(count, sizeof *shares);

	tensor_writer_put(embedding->writer, rows,
			  count * embedding->described.k * sizeof *rows);
	captured_shares(&embedding->described, first, count, rows, shares);
	tempfile_add(&embedding->captured, shares, count * sizeof *shares);
	free(shares);
	if (embedding->quantiles != NULL)
		similarity_quantiles_add(embedding->quantiles,
					 embedding->before + first, count,
					 rows);
	progress_add(count);
}

void embedding_writer_end(struct embedding_writer *embedding, bool whole)
{
	if (whole)
		tensor_writer_put(embedding->writer,
				  tempfile_bytes(&embedding->captured),
				  embedding->captured.size);
	tempfile_end(&embedding->captured);
}
