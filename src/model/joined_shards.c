#include "model/joined_shards.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/tempfile.h"
#include "model/row_tensors.h"
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
	size_t n;                    /* rows of all */
	struct tensor *list;         /* tensors: those that are joined */
	size_t tensors;
	struct input *input;
	const char *(*map)(struct input *input); /* a shard */
	int failed;                              /* errno of a write */
};

/* ----------------------------------------------------------------- opening */

/* Every byte of it, and every row. */
static const char *check_contents(const struct mapped_shard *shard)
{
	const char *error = safetensors_verify_all(&shard->file, 1);

	if (error == NULL)
		error = csr_matrix_check_rows(&shard->matrix);
	if (error == NULL)
		error = text_array_check(&shard->matrix.users, "users");
	return error;
}

static const char *open_shard(struct joined_shards *joined, size_t i,
			      size_t prefix, bool contents)
{
	struct mapped_shard *shard = &joined->shards[i];
	const char *path = joined->files.paths[i];
	const char *error = input_try(&shard->input, path);

	joined->views[i] = (struct shard_file){path + prefix, &shard->file,
					       &shard->matrix};
	if (error == NULL)
		error = joined->map(&shard->input);
	if (error == NULL)
		error = safetensors_read(&shard->file, shard->input.bytes,
					 shard->input.size);
	if (error == NULL)
		error = csr_matrix_view(&shard->matrix, &shard->file);
	if (error == NULL && contents)
		error = check_contents(shard);
	if (error != NULL)
		return error_text("%s: %s", path + prefix, error);
	joined->n += shard->matrix.n;
	return NULL;
}

/* contents: more than the headers are checked. */
static const char *open_all(struct joined_shards *joined, const char *directory,
			    bool contents)
{
	const char *error = shard_files_read(&joined->files, directory);
	size_t count = joined->files.count;

	if (error != NULL)
		return error;
	joined->shards = alloc(count, sizeof *joined->shards);
	joined->views = alloc(count, sizeof *joined->views);
	for (size_t i = 0; i < count && error == NULL; i++)
		error = open_shard(joined, i, strlen(directory) + 1, contents);
	return error != NULL ? error
			     : shard_files_check(joined->views, count,
						 &joined->files, "");
}

static const char *order_rows(struct joined_shards *joined)
{
	joined->places = alloc(joined->n, sizeof *joined->places);
	return shard_order_merge(joined->views, joined->files.count,
				 joined->places);
}

/* ----------------------------------------------------------------- tensors */

/* All shards have the tensor: with the same bytes if it is shared, else with as
 * many rows as its matrix says. */
static const char *check_tensor(const struct joined_shards *joined,
				const struct tensor *tensor)
{
	enum row_tensor kind = row_tensor_kind(tensor->name);
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

/* The metadata of the model: that of the first shard, but for what is of a
 * shard alone.  shard.set stays: it is the id of the model; svd.shards says for
 * whoever copies it that tensors of a sample of rows are of one in another
 * order. */
static json_t *join_metadata(const struct joined_shards *joined)
{
	json_t *metadata = row_tensors_metadata(&joined->shards[0].file);

	json_object_del(metadata, "shard.index");
	json_object_del(metadata, "shard.count");
	json_object_del(metadata, "matrix.tally");
	metadata_set(metadata, "svd.shards", "%zu", joined->files.count);
	return metadata;
}

static void write_all(struct joined_shards *joined, const struct tensor *list,
		      size_t count)
{
	const struct row_order order = row_order_make(
		joined->views, joined->files.count, joined->places, joined->n);
	struct tensor *own = alloc(count, sizeof *own);
	json_t *metadata = join_metadata(joined);
	struct tensor_writer writer;
	struct output output;

	for (size_t i = 0; i < count; i++) {
		own[i] = list[i];
		row_order_resize(&order, &own[i]);
	}
	output_function(&output, take_bytes, joined);
	tensor_writer_begin(&writer, &output, metadata, own, count);
	for (size_t i = 0; i < count; i++)
		row_order_put(&order, &writer, &list[i]);
	tensor_writer_end(&writer);
	output_close(&output);
	json_decref(metadata);
	free(own);
}

/* All shards have the tensors of the first.  Sets joined->list. */
static const char *check_tensors(struct joined_shards *joined)
{
	const struct safetensors *first = &joined->shards[0].file;
	const char *error = NULL;

	joined->list = alloc(first->count, sizeof *joined->list);
	joined->tensors = row_tensors_list(first, joined->list);
	for (size_t i = 0; i < joined->tensors && error == NULL; i++)
		error = check_tensor(joined, &joined->list[i]);
	return error;
}

static const char *join(struct joined_shards *joined)
{
	joined->input->fd = tempfile_try_open();
	if (joined->input->fd < 0)
		joined->failed = errno;
	else
		write_all(joined, joined->list, joined->tensors);
	return joined->failed == 0
		       ? NULL
		       : error_text("the shards joined in $TMPDIR: %s",
				    strerror(joined->failed));
}

const char *joined_shards_open(struct joined_shards **joined,
			       struct input *input, const char *directory,
			       const char *(*map)(struct input *))
{
	const char *error;

	*input = (struct input){
		.fd = -1, .name = directory, .regular = true, .copied = true};
	*joined = alloc(1, sizeof **joined);
	(*joined)->input = input;
	(*joined)->map = map;
	error = open_all(*joined, directory, true);
	if (error == NULL)
		error = order_rows(*joined);
	if (error == NULL)
		error = check_tensors(*joined);
	return error != NULL ? error : join(*joined);
}

const char *joined_shards_check(struct joined_shards **joined,
				const char *directory)
{
	const char *error;

	*joined = alloc(1, sizeof **joined);
	(*joined)->map = input_try_map;
	error = open_all(*joined, directory, false);
	return error != NULL ? error : check_tensors(*joined);
}

size_t joined_shards_count(const struct joined_shards *joined)
{
	return joined->files.count;
}

const char *joined_shards_path(const struct joined_shards *joined, size_t i)
{
	return joined->files.paths[i];
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
	free(joined->list);
	free(joined);
}
