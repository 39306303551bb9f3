#include "model/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/file_type.h"
#include "base/thread_pool.h"

/* A longer header is no header of a matrix or a model. */
static const uint64_t header_limit = 1 << 26;

static const char *read_size(json_t *value, uint64_t *size)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return "is not a whole number";
	*size = (uint64_t)json_integer_value(value);
	return NULL;
}

/* One entry of the header; *begin is where its bytes begin. */
static const char *read_entry(struct tensor *tensor, const char *name,
			      json_t *entry, uint64_t *begin, uint64_t *end)
{
	json_t *shape = json_object_get(entry, "shape");
	json_t *offsets = json_object_get(entry, "data_offsets");
	const char *type = json_string_value(json_object_get(entry, "dtype"));

	if (strlen(name) >= sizeof tensor->name)
		return "has too long a name";
	strcpy(tensor->name, name);
	if (type == NULL || json_object_size(entry) != 3)
		return "lacks dtype, shape or data_offsets, or has more";
	tensor->type = dtype_find(type);
	if (tensor->type == DTYPES)
		return "has a dtype that is none of U8, I32, I64, F32, F64";
	tensor->dims = (unsigned)json_array_size(shape);
	tensor->shape[1] = 1;
	if (tensor->dims < 1 || tensor->dims > 2)
		return "has a shape that is not of one or two sizes";
	for (unsigned i = 0; i < tensor->dims; i++)
		if (read_size(json_array_get(shape, i), &tensor->shape[i]))
			return "has a shape that is not of whole numbers";
	if (json_array_size(offsets) != 2 ||
	    read_size(json_array_get(offsets, 0), begin) ||
	    read_size(json_array_get(offsets, 1), end) || *end < *begin)
		return "has data_offsets that are no range";
	if (!tensor_measure(tensor) || tensor->size != *end - *begin)
		return "has data_offsets that do not fit its shape";
	return NULL;
}

static int by_place(const void *a, const void *b)
{
	const struct tensor *x = a, *y = b;

	/* Empty ones come before what begins where they do. */
	if (x->bytes != y->bytes)
		return (uintptr_t)x->bytes < (uintptr_t)y->bytes ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

/* Without holes, aligned, and up to the end of the file. */
static const char *check_places(struct safetensors *file,
				const unsigned char *first)
{
	const unsigned char *next = first;

	for (size_t i = 0; i < file->count; i++) {
		struct tensor *tensor = &file->tensors[i];
		if (tensor->bytes != next)
			return error_text(
				"tensor %s begins at byte %zu, "
				"expected %zu",
				tensor->name,
				(size_t)((const unsigned char *)tensor->bytes -
					 first),
				(size_t)(next - first));
		if (!tensor_is_padding(tensor) &&
		    (size_t)(next - file->bytes) % TENSOR_ALIGNMENT != 0)
			return error_text("tensor %s does not begin at a "
					  "multiple of 64",
					  tensor->name);
		tensor->index = i;
		next += tensor->size;
	}
	if (next != file->bytes + file->size)
		return error_text("%zu bytes, expected %zu by the header: "
				  "it was %s",
				  file->size, (size_t)(next - file->bytes),
				  next > file->bytes + file->size ? "cut"
								  : "added to");
	return NULL;
}

static const struct tensor *sums_of(const struct safetensors *file)
{
	return &file->tensors[file->count - 1];
}

/* Piece 0 is the header, piece i + 1 tensor i. */
static bool has_sum(const struct safetensors *file, size_t piece,
		    const void *bytes, size_t size)
{
	const unsigned char *sums = sums_of(file)->bytes;

	return tensor_sum(bytes, size) ==
	       tensor_get64(sums + piece * TENSOR_SUM_SIZE);
}

static const char *check_sum(const struct safetensors *file, size_t piece,
			     const void *bytes, size_t size, const char *what)
{
	if (has_sum(file, piece, bytes, size))
		return NULL;
	return error_text("%s does not have the checksum written for it: "
			  "the file is damaged",
			  what);
}

static const char *read_tensors(struct safetensors *file, json_t *header,
				const unsigned char *first)
{
	size_t left = file->size - (size_t)(first - file->bytes);
	const char *name, *error;
	json_t *entry;

	file->tensors = alloc(json_object_size(header), sizeof *file->tensors);
	json_object_foreach(header, name, entry)
	{
		struct tensor *tensor = &file->tensors[file->count];
		uint64_t begin, end;
		if (strcmp(name, "__metadata__") == 0)
			continue;
		error = read_entry(tensor, name, entry, &begin, &end);
		if (error != NULL)
			return error_text("tensor %.40s %s", name, error);
		if (end > left)
			return error_text(
				"tensor %s ends at byte %llu, but only "
				"%zu follow the header: it was cut",
				name, (unsigned long long)end, left);
		tensor->bytes = first + begin;
		file->count++;
	}
	if (file->count == 0)
		return "the header names no tensor";
	qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
	error = check_places(file, first);
	if (error != NULL)
		return error;
	const struct tensor *sums = sums_of(file);
	if (strcmp(sums->name, TENSOR_SUMS) != 0 || sums->type != DTYPE_U8 ||
	    sums->dims != 1 || sums->size != file->count * TENSOR_SUM_SIZE)
		return "its last tensor is not the checksum of all others";
	return check_sum(file, 0, file->bytes, (size_t)(first - file->bytes),
			 "the header");
}

static const char *read_metadata(struct safetensors *file, json_t *header)
{
	const char *key, *found;
	json_t *value;

	file->metadata = json_incref(json_object_get(header, "__metadata__"));
	json_object_foreach(file->metadata, key, value) if (
		!json_is_string(
			value)) return error_text("__metadata__ %.40s is no string",
						  key);
	found = safetensors_option(file, "format");
	if (found == NULL)
		return error_text(
			"a safetensors file of another kind: expected "
			"\"format\": \"%s\"",
			SAFETENSORS_VERSION);
	if (strcmp(found, SAFETENSORS_VERSION) != 0)
		return error_text("its format is \"%.40s\", expected \"%s\"",
				  found, SAFETENSORS_VERSION);
	return NULL;
}

const char *safetensors_read(struct safetensors *file,
			     const unsigned char *bytes, size_t size)
{
	json_error_t where;
	const char *error;

	*file = (struct safetensors){.bytes = bytes, .size = size};
	if (!file_type_is_binary_stream(bytes, size))
		return error_text("%s, expected a matrix or a model%s",
				  file_type_describe(bytes, size),
				  file_type_is_profiles(bytes, size)
					  ? ": cs-matrix makes a matrix of it"
					  : "");
	uint64_t length = tensor_get64(bytes);
	if (length > header_limit || length > size - 8)
		return error_text("a header of %llu bytes is announced, and "
				  "%zu follow: it was cut, or is no model",
				  (unsigned long long)length, size - 8);
	if ((8 + length) % TENSOR_ALIGNMENT != 0)
		return "the header does not end at a multiple of 64";
	json_t *header = json_loadb((const char *)bytes + 8, length,
				    JSON_REJECT_DUPLICATES, &where);
	if (header == NULL)
		return error_text("the header is no JSON: %s", where.text);
	error = json_is_object(header) ? read_metadata(file, header)
				       : "the header is no JSON object";
	if (error == NULL)
		error = read_tensors(file, header, bytes + 8 + length);
	json_decref(header);
	return error;
}

const struct tensor *safetensors_find(const struct safetensors *file,
				      const char *name)
{
	for (size_t i = 0; i < file->count; i++)
		if (strcmp(file->tensors[i].name, name) == 0)
			return &file->tensors[i];
	return NULL;
}

const char *safetensors_need(const struct safetensors *file, const char *name,
			     enum dtype type, unsigned dims, uint64_t rows,
			     uint64_t columns, const struct tensor **tensor)
{
	const struct tensor *found = safetensors_find(file, name);

	if (found == NULL)
		return error_text("it has no tensor %s", name);
	if (found->type != type || found->dims != dims)
		return error_text(
			"tensor %s is %s of %u dimensions, expected %s "
			"of %u",
			name, dtype_name(found->type), found->dims,
			dtype_name(type), dims);
	if ((rows != UINT64_MAX && found->shape[0] != rows) ||
	    (dims > 1 && columns != UINT64_MAX && found->shape[1] != columns))
		return error_text(
			"tensor %s has another shape than the tensors "
			"beside it",
			name);
	*tensor = found;
	return NULL;
}

void safetensors_sum(const struct safetensors *file,
		     const struct tensor *tensor, unsigned char sum[8])
{
	const unsigned char *sums = sums_of(file)->bytes;

	memcpy(sum, sums + (tensor->index + 1) * TENSOR_SUM_SIZE,
	       TENSOR_SUM_SIZE);
}

const char *safetensors_verify(const struct safetensors *file,
			       const struct tensor *tensor)
{
	const unsigned char *bytes = tensor->bytes;

	if (file->checked || tensor == sums_of(file))
		return NULL;
	if (tensor_is_padding(tensor))
		for (size_t i = 0; i < tensor->size; i++)
			if (bytes[i] != 0)
				return error_text("tensor %s is not zero: the "
						  "file is damaged",
						  tensor->name);
	char what[64];
	snprintf(what, sizeof what, "tensor %s", tensor->name);
	return check_sum(file, tensor->index + 1, bytes, tensor->size, what);
}

struct verification {
	const struct safetensors *file;
	bool *damaged; /* of each tensor: it may be, and is looked at again */
};

static void verify_piece(void *shared, size_t piece, unsigned thread)
{
	struct verification *all = shared;
	const struct tensor *tensor = &all->file->tensors[piece];

	(void)thread;
	all->damaged[piece] =
		tensor_is_padding(tensor) || tensor == sums_of(all->file) ||
		!has_sum(all->file, piece + 1, tensor->bytes, tensor->size);
}

const char *safetensors_verify_all(const struct safetensors *file,
				   unsigned threads)
{
	struct verification all = {.file = file};
	const char *error = NULL;

	if (file->checked)
		return NULL;
	all.damaged = alloc(file->count, sizeof *all.damaged);
	thread_pool_run(threads, file->count, verify_piece, &all);
	for (size_t i = 0; i < file->count && error == NULL; i++)
		if (all.damaged[i])
			error = safetensors_verify(file, &file->tensors[i]);
	free(all.damaged);
	return error;
}

const char *safetensors_option(const struct safetensors *file, const char *key)
{
	return json_string_value(json_object_get(file->metadata, key));
}

const char *safetensors_word(const struct safetensors *file, const char *key,
			     const char *const words[], int *index)
{
	const char *found = safetensors_option(file, key);

	if (found == NULL)
		return error_text("its metadata have no %s", key);
	for (*index = 0; words[*index] != NULL; ++*index)
		if (strcmp(words[*index], found) == 0)
			return NULL;
	return error_text("its metadata have %s \"%.40s\", which is unknown",
			  key, found);
}

void safetensors_id(const struct safetensors *file, char id[17])
{
	const struct tensor *sums = sums_of(file);

	snprintf(id, 17, "%016llx",
		 (unsigned long long)tensor_sum(sums->bytes, sums->size));
}

void safetensors_free(struct safetensors *file)
{
	json_decref(file->metadata);
	free(file->tensors);
	*file = (struct safetensors){0};
}

size_t safetensors_pass_on(const struct safetensors *file, struct tensor *dst,
			   size_t count)
{
	for (size_t i = 0; i < file->count; i++)
		if (!tensor_is_padding(&file->tensors[i]) &&
		    strcmp(file->tensors[i].name, TENSOR_SUMS) != 0)
			dst[count++] = file->tensors[i];
	return count;
}
