/* row_tensors: a matrix or a model written anew with other rows (customers):
 * some of those of a file, or those of several files in one order. */
#ifndef MODEL_ROW_TENSORS_H
#define MODEL_ROW_TENSORS_H

#include <jansson.h>
#include <stddef.h>

#include "model/safetensors_writer.h"
#include "model/shard_files.h"
#include "model/shard_order.h"

/* How the first dimension of a tensor depends on the rows. */
enum row_tensor {
	ROW_OFFSETS, /* [n + 1]: where the items of each row begin */
	ROW_ITEMS,   /* the items between such offsets */
	ROW_FIXED,   /* [n] or [n, k]: as many items for each row */
	ROW_SHARED   /* not at all */
};

enum row_tensor row_tensor_kind(const char *name);

/* Rows to write: row i is row places[i].row of files[places[i].shard].  All is
 * borrowed. */
struct row_order {
	const struct shard_file *files;
	size_t count;                     /* of files */
	const struct shard_place *places; /* n */
	size_t n;
	size_t nnz, name_bytes; /* of these n rows, in profile.* and users.* */
};

/* Count what n rows have.  Their offsets must have been checked.  O(n). */
struct row_order row_order_make(const struct shard_file *files, size_t count,
				const struct shard_place *places, size_t n);

/* Set list, with room for file->count, to the tensors of a file but for those
 * of an index, which are of the file's own rows.  Returns how many. */
size_t row_tensors_list(const struct safetensors *file, struct tensor *list);

/* A copy of a file's metadata but for those of an index, and for the id of
 * joined shards (model/joined_shards.h), which is no other file's. */
json_t *row_tensors_metadata(const struct safetensors *file);

/* Give a tensor of a file the shape that it has with the rows of the order. */
void row_order_resize(const struct row_order *order, struct tensor *tensor);

/* Write, as the next tensor, the one of that name of the rows; one that is
 * ROW_SHARED is that of files[0].  tensor is of files[0], and the other files
 * have it with the same type and items for a row. */
void row_order_put(const struct row_order *order, struct tensor_writer *writer,
		   const struct tensor *tensor);

#endif
