#include "model/joined_shards.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/tempfile.h"
#include "model/safetensors_writer.h"
#include "model/shard_files.h"
#include "model/shard_order.h"

/* A shard as it is mapped. */
struct mapped_shard {
	struct input input;
	struct safetensors file;
	struct csr_matrix matrix;
};

struct joined_shards {
	struct shard_files files;
	struct mapped_shard *shards; /* files.count */
	struct shard_file *views;    /* of these */
	struct shard_place *places;  /* n */
	size_t n, nnz, name_bytes;   /* of all */
	struct input *input;
	int failed; /* errno of a write */
};

/* ----------------------------------------------------------------- opening */

static const char *open_shard(struct joined_shards *joined, size_t i,
			      size_t prefix)
{
	struct mapped_shard *shard = &joined->shards[i];
	const char *path = joined->files.paths[i];
	const char *error = input_try(&shard->input, path);

	joined->views[i] = (struct shard_file){path + prefix, &shard->file,
					       &shard->matrix};
	if (error == NULL)
		error = input_try_map(&shard->input);
	if (error == NULL)
		error = safetensors_read(&shard->file, shard->input.bytes,
					 shard->input.size);
	if (error == NULL)
		error = safetensors_verify_all(&shard->file, 1);
	if (error == NULL)
		error = csr_matrix_view(&shard->matrix, &shard->file);
	if (error == NULL)
		error = csr_matrix_check_rows(&shard->matrix);
	if (error == NULL)
		error = text_array_check(&shard->matrix.users, "users");
	if (error != NULL)
		return error_text("%s: %s", path + prefix, error);
	joined->n += shard->matrix.n;
	joined->nnz += shard->matrix.nnz;
	joined->name_bytes +=
		(size_t)shard->matrix.users.offsets[shard->matrix.n];
	return NULL;
}

static const char *open_all(struct joined_shards *joined, const char *directory)
{
	const char *error = shard_files_read(&joined->files, directory);
	size_t count = joined->files.count;

	if (error != NULL)
		return error;
	joined->shards = alloc(count, sizeof *joined->shards);
	joined->views = alloc(count, sizeof *joined->views);
	for (size_t i = 0; i < count && error == NULL; i++)
		error = open_shard(joined, i, strlen(directory) + 1);
	if (error == NULL)
		error = shard_files_check(joined->views, count,
					  joined->files.set, "");
	if (error != NULL)
		return error;
	joined->places = alloc(joined->n, sizeof *joined->places);
	return shard_order_merge(joined->views, count, joined->places);
}

/* ----------------------------------------------------------------- tensors */

/* How a tensor of rows is put together. */
enum row_tensor {
	ROW_OFFSETS, /* I64 [n + 1]: where the items of each row begin */
	ROW_ITEMS,   /* the items between such offsets */
	ROW_FIXED,   /* [n] or [n, k]: as many items for each row */
	ROW_SHARED   /* no tensor of rows: the same in all shards */
};

static enum row_tensor kind_of(const char *name)
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

/* The offsets by which the items of a tensor are those of rows. */
static const int64_t *offsets_of(const struct csr_matrix *matrix,
				 const char *name)
{
	return strncmp(name, "users.", 6) == 0 ? matrix->users.offsets
					       : matrix->indptr;
}

/* The rows of the tensor of all. */
static uint64_t joined_rows(const struct joined_shards *joined,
			    const char *name)
{
	switch (kind_of(name)) {
	case ROW_OFFSETS:
		return joined->n + 1;
	case ROW_ITEMS:
		return strncmp(name, "users.", 6) == 0 ? joined->name_bytes
						       : joined->nnz;
	default:
		return joined->n;
	}
}

/* All shards have the tensor: with the same bytes if it is shared, else with as
 * many rows as its matrix says. */
static const char *check_tensor(const struct joined_shards *joined,
				const struct tensor *tensor)
{
	enum row_tensor kind = kind_of(tensor->name);
	unsigned char first[TENSOR_SUM_SIZE], own[TENSOR_SUM_SIZE];

	safetensors_sum(&joined->shards[0].file, tensor, first);
	for (size_t i = 0; i < joined->files.count; i++) {
		const struct mapped_shard *shard = &joined->shards[i];
		const struct tensor *other;
		uint64_t rows = kind == ROW_SHARED  ? tensor->shape[0]
				: kind == ROW_FIXED ? shard->matrix.n
						    : UINT64_MAX;
		const char *error = safetensors_need(
			&shard->file, tensor->name, tensor->type, tensor->dims,
			rows, tensor->shape[1], &other);

		if (error == NULL && kind == ROW_SHARED) {
			safetensors_sum(&shard->file, other, own);
			if (memcmp(own, first, sizeof own) != 0)
				error = error_text("its %s are not those of %s",
						   tensor->name,
						   joined->views[0].name);
		}
		if (error != NULL)
			return error_text("%s: %s", joined->views[i].name,
					  error);
	}
	return NULL;
}

/* Set list to the tensors of the first shard that the model has, too. */
static size_t list_tensors(const struct joined_shards *joined,
			   struct tensor *list)
{
	size_t all = safetensors_pass_on(&joined->shards[0].file, list, 0);
	size_t count = 0;

	for (size_t i = 0; i < all; i++)
		if (strncmp(list[i].name, "index.", 6) != 0)
			list[count++] = list[i];
	return count;
}

/* ----------------------------------------------------------------- writing */

/* Write to the file of input; the first error stays. */
static void take_bytes(void *context, const unsigned char *bytes, size_t size)
{
	struct joined_shards *joined = context;

	while (size > 0 && joined->failed == 0) {
		ssize_t put = write(joined->input->fd, bytes, size);

		if (put < 0 && errno != EINTR)
			joined->failed = errno;
		if (put > 0) {
			bytes += put;
			size -= (size_t)put;
			joined->input->size += (size_t)put;
		}
	}
}

static void put_offsets(const struct joined_shards *joined,
			struct tensor_writer *writer, const char *name)
{
	int64_t end = 0;

	tensor_writer_put(writer, &end, sizeof end);
	for (size_t i = 0; i < joined->n; i++) {
		struct shard_place at = joined->places[i];
		const int64_t *offsets =
			offsets_of(&joined->shards[at.shard].matrix, name);

		end += offsets[at.row + 1] - offsets[at.row];
		tensor_writer_put(writer, &end, sizeof end);
	}
}

static void put_rows(const struct joined_shards *joined,
		     struct tensor_writer *writer, const struct tensor *tensor)
{
	bool fixed = kind_of(tensor->name) == ROW_FIXED;
	size_t size = dtype_size(tensor->type) * tensor->shape[1];
	const unsigned char **bytes = alloc(joined->files.count, sizeof *bytes);

	for (size_t s = 0; s < joined->files.count; s++)
		bytes[s] =
			safetensors_find(&joined->shards[s].file, tensor->name)
				->bytes;
	for (size_t i = 0; i < joined->n; i++) {
		struct shard_place at = joined->places[i];
		const int64_t *offsets = offsets_of(
			&joined->shards[at.shard].matrix, tensor->name);
		size_t begin = fixed ? at.row : (size_t)offsets[at.row];
		size_t end = fixed ? at.row + 1 : (size_t)offsets[at.row + 1];

		tensor_writer_put(writer, bytes[at.shard] + begin * size,
				  (end - begin) * size);
	}
	free(bytes);
}

/* The metadata of the model: that of the first shard, but for what is of a
 * shard alone.  shard.set stays: it is the id of the model. */
static json_t *join_metadata(const struct joined_shards *joined)
{
	json_t *metadata = json_object(), *value;
	const char *key;

	json_object_foreach(joined->shards[0].file.metadata, key,
			    value) if (strcmp(key, "shard.index") != 0 &&
				       strcmp(key, "shard.count") != 0 &&
				       strcmp(key, "matrix.tally") != 0 &&
				       strncmp(key, "index.", 6) != 0)
		json_object_set(metadata, key, value);
	return metadata;
}

static void write_all(struct joined_shards *joined, const struct tensor *list,
		      size_t count)
{
	struct tensor *own = alloc(count, sizeof *own);
	json_t *metadata = join_metadata(joined);
	struct tensor_writer writer;
	struct output output;

	for (size_t i = 0; i < count; i++) {
		own[i] = list[i];
		if (kind_of(own[i].name) != ROW_SHARED)
			own[i].shape[0] = joined_rows(joined, own[i].name);
	}
	output_function(&output, take_bytes, joined);
	tensor_writer_begin(&writer, &output, metadata, own, count);
	for (size_t i = 0; i < count; i++)
		if (kind_of(list[i].name) == ROW_SHARED)
			tensor_writer_pass(&writer, &joined->shards[0].file,
					   &list[i]);
		else if (kind_of(list[i].name) == ROW_OFFSETS)
			put_offsets(joined, &writer, list[i].name);
		else
			put_rows(joined, &writer, &list[i]);
	tensor_writer_end(&writer);
	output_close(&output);
	json_decref(metadata);
	free(own);
}

static const char *join(struct joined_shards *joined)
{
	struct tensor *list = alloc(joined->shards[0].file.count, sizeof *list);
	size_t count = list_tensors(joined, list);
	const char *error = NULL;

	for (size_t i = 0; i < count && error == NULL; i++)
		error = check_tensor(joined, &list[i]);
	if (error == NULL) {
		joined->input->fd = tempfile_try_open();
		if (joined->input->fd < 0)
			joined->failed = errno;
		else
			write_all(joined, list, count);
		if (joined->failed != 0)
			error = error_text("the shards joined in $TMPDIR: %s",
					   strerror(joined->failed));
	}
	free(list);
	return error;
}

const char *joined_shards_open(struct joined_shards **joined,
			       struct input *input, const char *directory)
{
	const char *error;

	*input = (struct input){.fd = -1, .name = directory, .regular = true};
	*joined = alloc(1, sizeof **joined);
	(*joined)->input = input;
	error = open_all(*joined, directory);
	return error != NULL ? error : join(*joined);
}

void joined_shards_free(struct joined_shards *joined)
{
	if (joined == NULL)
		return;
	for (size_t i = 0; joined->shards != NULL && i < joined->files.count;
	     i++) {
		safetensors_free(&joined->shards[i].file);
		input_close(&joined->shards[i].input);
	}
	shard_files_free(&joined->files);
	free(joined->shards);
	free(joined->views);
	free(joined->places);
	free(joined);
}
