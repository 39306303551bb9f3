#include "search/ivf_index.h"

#include <string.h>

#include "base/number.h"
#include "model/safetensors_writer.h"
#include "search/int8_quantization.h"
#include "search/search_query.h"

bool ivf_index_exists(const struct model *model)
{
	return safetensors_find(&model->file, "index.embedding") != NULL;
}

void ivf_index_tensors(size_t cells, size_t blocks, size_t d,
		       struct tensor tensors[IVF_INDEX_TENSORS])
{
	size_t places = blocks * TILE_ROWS, codes = int8_block_bytes(d);
	const struct tensor all[IVF_INDEX_TENSORS] = {
		{"index.embedding", DTYPE_U8, 1, {8, 1}, NULL, 0, 0},
		{"index.centroids", DTYPE_F32, 2, {cells, d}, NULL, 0, 0},
		{"index.starts", DTYPE_I64, 1, {cells + 1, 1}, NULL, 0, 0},
		{"index.rows", DTYPE_I32, 1, {places, 1}, NULL, 0, 0},
		{"index.codes", DTYPE_U8, 2, {blocks, codes}, NULL, 0, 0},
		{"index.scales", DTYPE_F32, 1, {places, 1}, NULL, 0, 0},
		{"index.residuals", DTYPE_F32, 1, {places, 1}, NULL, 0, 0},
		{"index.units",
		 DTYPE_F32,
		 2,
		 {blocks, d * TILE_ROWS},
		 NULL,
		 0,
		 0},
		{"index.recall", DTYPE_F64, 2, {cells, 2}, NULL, 0, 0},
	};

	memcpy(tensors, all, sizeof all);
}

/* The starts of cells ascend from 0 to blocks. */
static const char *check_starts(const struct ivf_index *index)
{
	bool fine = index->starts[0] == 0 &&
		    index->starts[index->cells] == (int64_t)index->blocks;

	for (size_t cell = 0; fine && cell < index->cells; cell++)
		fine = index->starts[cell] <= index->starts[cell + 1];
	return fine ? NULL : "tensor index.starts is damaged";
}

static const char *view_sizes(struct ivf_index *index,
			      const struct model *model)
{
	const struct tensor *centroids, *rows;
	const char *signal = safetensors_option(&model->file, "index.signal");
	int64_t number;
	const char *error =
		safetensors_need(&model->file, "index.centroids", DTYPE_F32, 2,
				 UINT64_MAX, model->k, &centroids);

	if (error == NULL)
		error = safetensors_need(&model->file, "index.rows", DTYPE_I32,
					 1, UINT64_MAX, 1, &rows);
	if (error != NULL)
		return error;
	if (centroids->shape[0] == 0 || rows->shape[0] % TILE_ROWS != 0)
		return "its index has no cells, or a block that is not whole";
	if (model->k > INT8_MAX_COLUMNS)
		return "its index has more dimensions than there can be";
	if (signal == NULL ||
	    !number_integer(signal, 0, (int64_t)model->matrix.n, &number))
		return "its metadata have no index.signal";
	index->nonzero = (size_t)number;
	index->cells = centroids->shape[0];
	index->blocks = rows->shape[0] / TILE_ROWS;
	return NULL;
}

static const char *check_embedding(const struct model *model)
{
	const struct tensor *tensor;
	unsigned char sum[8];
	const char *error =
		safetensors_need(&model->file, "index.embedding", DTYPE_U8, 1,
				 sizeof sum, 1, &tensor);

	if (error != NULL)
		return error;
	safetensors_sum(&model->file,
			safetensors_find(&model->file, "embedding"), sum);
	if (memcmp(tensor->bytes, sum, sizeof sum) != 0)
		return "its index is of another embedding: make it anew by "
		       "cs-index";
	return NULL;
}

static const char *view_tensors(struct ivf_index *index,
				const struct model *model)
{
	void *const members[IVF_INDEX_TENSORS] = {
		NULL, /* index.embedding is compared, not kept */
		&index->centroids,
		&index->starts,
		&index->rows,
		&index->codes,
		&index->scales,
		&index->residuals,
		&index->units,
		&index->recall};
	struct tensor tensors[IVF_INDEX_TENSORS];

	ivf_index_tensors(index->cells, index->blocks, index->d, tensors);
	for (size_t i = 1; i < IVF_INDEX_TENSORS; i++) {
		const struct tensor *want = &tensors[i], *tensor;
		const char *error = safetensors_need(
			&model->file, want->name, want->type, want->dims,
			want->shape[0], want->shape[1], &tensor);

		if (error != NULL)
			return error;
		memcpy(members[i], &tensor->bytes, sizeof tensor->bytes);
	}
	return check_starts(index);
}

const char *ivf_index_view(struct ivf_index *index, const struct model *model)
{
	const char *error = check_embedding(model);

	*index = (struct ivf_index){.n = model->matrix.n,
				    .d = model->k,
				    .rows_of = model->embedding};
	if (error == NULL)
		error = view_sizes(index, model);
	if (error != NULL)
		return error;
	return view_tensors(index, model);
}

bool ivf_index_has_tensor(const char *name)
{
	return strncmp(name, "index.", 6) == 0;
}

void ivf_index_describe(json_t *metadata, const char *version, size_t cells,
			size_t nonzero, const uint64_t *seed)
{
	metadata_set(metadata, "index.version", "%s", version);
	metadata_set(metadata, "index.cells", "%zu", cells);
	metadata_set(metadata, "index.signal", "%zu", nonzero);
	if (seed != NULL)
		metadata_set(metadata, "index.seed", "%llu",
			     (unsigned long long)*seed);
	else
		json_object_del(metadata, "index.seed");
}

size_t ivf_index_probes(const struct ivf_index *index, double recall)
{
	size_t probes = 1;

	while (probes < index->cells &&
	       !(index->recall[(probes - 1) * 2] >= recall))
		probes++;
	return probes;
}

/* The number of places, of TILE_ROWS from at on, before the padding, by binary
 * search. */
static size_t filled_places(const struct ivf_index *index, size_t at)
{
	size_t low = 0, high = TILE_ROWS;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (index->rows[at + middle] >= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Only the last block of a cell is padded. */
void ivf_index_count(const struct ivf_index *index, const uint64_t *allowed,
		     size_t *counts)
{
	const struct search_options search = {.allowed = allowed};

	for (size_t cell = 0; cell < index->cells; cell++) {
		size_t at = (size_t)index->starts[cell] * TILE_ROWS;
		size_t end = (size_t)index->starts[cell + 1] * TILE_ROWS;

		if (allowed == NULL && end > at) {
			counts[cell] += end - at - TILE_ROWS +
					filled_places(index, end - TILE_ROWS);
			continue;
		}
		for (; at < end; at++) {
			int32_t row = index->rows[at];

			counts[cell] += row >= 0 && (size_t)row < index->n &&
					search_allows(&search, (size_t)row);
		}
	}
}

const char *const *ivf_index_unread(bool cells)
{
	static const char *const exact[] = {"embedding", "index.units",
					    "index.centroids", NULL};
	static const char *const some[] = {
		"embedding",       "index.units",  "index.rows", "index.codes",
		"index.residuals", "index.scales", NULL};

	return cells ? some : exact;
}
