#include "model/model_writer.h"

#include <stdlib.h>

#include "base/alloc.h"

static void put_tensors(struct tensor_writer *writer,
			const struct model_writer *store,
			const struct tensor *passed, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tensor_writer_pass(writer, store->matrix, &passed[i]);
	if (store->mean != NULL)
		tensor_writer_put(writer, store->mean,
				  store->m * sizeof(double));
	for (size_t i = 0; i < store->m; i++)
		tensor_writer_put(writer, store->components + i * store->ld,
				  store->k * sizeof(double));
	tensor_writer_put(writer, store->sigma, store->k * sizeof(double));
}

void model_writer_begin(struct tensor_writer *writer, struct output *output,
			const struct model_writer *store)
{
	size_t n = store->n, m = store->m, k = store->k;
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
	struct tensor *all = alloc(store->matrix->count + own, sizeof *all);
	size_t passed = safetensors_pass_on(store->matrix, all, 0),
	       count = passed;

	for (size_t i = store->mean == NULL; i < own; i++)
		all[count++] = ours[i];
	tensor_writer_begin(writer, output, store->metadata, all, count);
	put_tensors(writer, store, all, passed);
	free(all);
}
