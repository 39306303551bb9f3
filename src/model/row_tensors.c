#include "model/row_tensors.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_memory.h"

enum row_tensor row_tensor_kind(const char *name)
{
	static const struct {
		const char *name;
		enum row_tensor kind;
	} all[] = {
		{"profile.indptr", ROW_OFFSETS}, {"users.offsets", ROW_OFFSETS},
		{"profile.indices", ROW_ITEMS},  {"profile.values", ROW_ITEMS},
		{"profile.raw", ROW_ITEMS},      {"users.bytes", ROW_ITEMS},
		{"users.tenth", ROW_FIXED},      {"embedding", ROW_FIXED},
		{"captured", ROW_FIXED},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].kind;
	return ROW_SHARED;
}

static bool is_of_names(const char *tensor)
{
	return strncmp(tensor, "users.", 6) == 0;
}

/* The offsets by which the items of a tensor are those of rows. */
static const int64_t *offsets_of(const struct csr_matrix *matrix, bool names)
{
	return names ? matrix->users.offsets : matrix->indptr;
}

static bool is_of_index(const char *name)
{
	return strncmp(name, "index.", 6) == 0;
}

size_t row_tensors_list(const struct safetensors *file, struct tensor *list)
{
	size_t all = safetensors_pass_on(file, list, 0), count = 0;

	for (size_t i = 0; i < all; i++)
		if (!is_of_index(list[i].name))
			list[count++] = list[i];
	return count;
}

json_t *row_tensors_metadata(const struct safetensors *file)
{
	json_t *metadata = alloc_check(json_object()), *value;
	const char *key;

	json_object_foreach(file->metadata, key, value) if (!is_of_index(key))
		json_check(json_object_set(metadata, key, value));
	if (json_object_get(metadata, "shard.index") == NULL)
		json_object_del(metadata, "shard.set");
	return metadata;
}

static size_t count_items(const struct row_order *order, bool names)
{
	size_t items = 0;

	for (size_t i = 0; i < order->n; i++) {
		struct shard_place at = order->places[i];
		const int64_t *offsets =
			offsets_of(order->files[at.shard].matrix, names);

		items += (size_t)(offsets[at.row + 1] - offsets[at.row]);
	}
	return items;
}

struct row_order row_order_make(const struct shard_file *files, size_t count,
				const struct shard_place *places, size_t n)
{
	struct row_order order = {
		.files = files, .count = count, .places = places, .n = n};

	order.nnz = count_items(&order, false);
	order.name_bytes = count_items(&order, true);
	return order;
}

void row_order_resize(const struct row_order *order, struct tensor *tensor)
{
	switch (row_tensor_kind(tensor->name)) {
	case ROW_OFFSETS:
		tensor->shape[0] = order->n + 1;
		break;
	case ROW_ITEMS:
		tensor->shape[0] = is_of_names(tensor->name) ? order->name_bytes
							     : order->nnz;
		break;
	case ROW_FIXED:
		tensor->shape[0] = order->n;
		break;
	case ROW_SHARED:
		break;
	}
}

static void put_offsets(const struct row_order *order,
			struct tensor_writer *writer, const char *name)
{
	bool names = is_of_names(name);
	int64_t end = 0;

	tensor_writer_put(writer, &end, sizeof end);
	for (size_t i = 0; i < order->n; i++) {
		struct shard_place at = order->places[i];
		const int64_t *offsets =
			offsets_of(order->files[at.shard].matrix, names);

		end += offsets[at.row + 1] - offsets[at.row];
		tensor_writer_put(writer, &end, sizeof end);
	}
}

/* How many rows, from row i of the order on, follow each other in one file. */
static size_t run_length(const struct row_order *order, size_t i)
{
	struct shard_place first = order->places[i];
	size_t length = 1;

	while (i + length < order->n &&
	       order->places[i + length].shard == first.shard &&
	       order->places[i + length].row == first.row + length)
		length++;
	return length;
}

/* Write the items of the rows, run after run. */
static void put_items(const struct row_order *order,
		      struct tensor_writer *writer, const struct tensor *tensor)
{
	bool fixed = row_tensor_kind(tensor->name) == ROW_FIXED;
	bool names = is_of_names(tensor->name);
	size_t size = dtype_size(tensor->type) * tensor->shape[1];
	const unsigned char **bytes = alloc(order->count, sizeof *bytes);

	for (size_t s = 0; s < order->count; s++)
		bytes[s] = safetensors_find(order->files[s].file, tensor->name)
				   ->bytes;
	for (size_t i = 0, length; i < order->n; i += length) {
		struct shard_place at = order->places[i];
		const int64_t *offsets =
			offsets_of(order->files[at.shard].matrix, names);

		length = run_length(order, i);
		size_t begin = fixed ? at.row : (size_t)offsets[at.row];
		size_t end = fixed ? at.row + length
				   : (size_t)offsets[at.row + length];
		tensor_writer_put(writer, bytes[at.shard] + begin * size,
				  (end - begin) * size);
	}
	free(bytes);
}

void row_order_put(const struct row_order *order, struct tensor_writer *writer,
		   const struct tensor *tensor)
{
	switch (row_tensor_kind(tensor->name)) {
	case ROW_OFFSETS:
		put_offsets(order, writer, tensor->name);
		break;
	case ROW_ITEMS:
	case ROW_FIXED:
		put_items(order, writer, tensor);
		break;
	case ROW_SHARED:
		tensor_writer_pass(writer, order->files[0].file, tensor);
		break;
	}
}
