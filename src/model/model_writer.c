#include "model/model_writer.h"

#include <stdlib.h>

#include "base/alloc.h"

static void put_tensors(struct tensor_writer *writer,
			const struct model_contents *contents,
			const struct tensor *passed, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tensor_writer_pass(writer, contents->matrix, &passed[i]);
	if (contents->mean != NULL)
		tensor_writer_put(writer, contents->mean,
				  contents->m * sizeof(double));
	for (size_t i = 0; i < contents->m; i++)
		tensor_writer_put(writer,
				  contents->components + i * contents->ld,
				  contents->k * sizeof(double));
	tensor_writer_put(writer, contents->sigma,
			  contents->k * sizeof(double));
}

void model_writer_begin(struct tensor_writer *writer, struct output *output,
			const struct model_contents *contents)
{
	size_t n = contents->n, m = contents->m, k = contents->k;
	const struct tensor ours[] = {
		{"tags.mean", DTYPE_F64, 1, {m, 1}, NULL, 0, 0},
		{"components", DTYPE_F64, 2, {m, k}, NULL, 0, 0},
		{"sigma", DTYPE_F64, 1, {k, 1}, NULL, 0, 0},
		{"embedding", DTYPE_F32, 2, {n, k}, NULL, 0, 0},
		{"captured", DTYPE_F32, 1, {n, 1}, NULL, 0, 0},
		{"residual", DTYPE_F64, 1, {k, 1}, NULL, 0, 0},
		{"pairs", DTYPE_F64, 1, {2, 1}, NULL, 0, 0},
	};
	size_t own = sizeof ours / sizeof *ours;
	struct tensor *all = alloc(contents->matrix->count + own, sizeof *all);
	size_t passed = safetensors_pass_on(contents->matrix, all, 0),
	       count = passed;

	for (size_t i = contents->mean == NULL; i < own; i++)
		all[count++] = ours[i];
	tensor_writer_begin(writer, output, contents->metadata, all, count);
	put_tensors(writer, contents, all, passed);
	free(all);
}
