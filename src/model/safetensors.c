#include "model/safetensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#ifdef __x86_64__
/* The same functions by AVX2 and AVX-512, where the processor has them. */
#include <xxh_x86dispatch.h>
#endif

#include "base/alloc.h"
#include "base/errors.h"
#include "base/file_type.h"
#include "base/thread_pool.h"

enum { ALIGNMENT = 64, SUM_SIZE = 8 };

static const char version[] = "customer-similarity 1";
static const char checksum[] = "checksum";

/* A header longer than this is no header of ours. */
static const uint64_t header_limit = 1 << 26;

static const struct {
	const char *name;
	size_t size;
} dtypes[] = {
	[DTYPE_U8] = {"U8", 1},   [DTYPE_I32] = {"I32", 4},
	[DTYPE_I64] = {"I64", 8}, [DTYPE_F32] = {"F32", 4},
	[DTYPE_F64] = {"F64", 8},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

const char *dtype_name(enum dtype type)
{
	return dtypes[type].name;
}

size_t dtype_size(enum dtype type)
{
	return dtypes[type].size;
}

static uint64_t get64(const unsigned char *bytes)
{
	uint64_t value = 0;

	for (int i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static void put64(unsigned char *bytes, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> 8 * i);
}

static bool is_pad(const struct tensor *tensor)
{
	return strncmp(tensor->name, "pad.", 4) == 0;
}

/* The product of the shape and the item's size; false where it overflows. */
static bool measure(struct tensor *tensor)
{
	uint64_t items;

	return !__builtin_mul_overflow(tensor->shape[0], tensor->shape[1],
				       &items) &&
	       !__builtin_mul_overflow(items, dtype_size(tensor->type),
				       &tensor->size) &&
	       tensor->size <= SIZE_MAX / 2;
}

/* ---------------------------------------------------------------- reading */

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
	int found = DTYPES;

	if (strlen(name) >= sizeof tensor->name)
		return "has too long a name";
	strcpy(tensor->name, name);
	if (type == NULL || json_object_size(entry) != 3)
		return "lacks dtype, shape or data_offsets, or has more";
	while (found-- > 0 && strcmp(dtypes[found].name, type) != 0)
		;
	if (found < 0)
		return "has a dtype that is none of U8, I32, I64, F32, F64";
	tensor->type = (enum dtype)found;
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
	if (!measure(tensor) || tensor->size != *end - *begin)
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
static const char *check_places(struct safetensors *format,
				const unsigned char *first)
{
	const unsigned char *next = first;

	for (size_t i = 0; i < format->count; i++) {
		struct tensor *tensor = &format->tensors[i];
		if (tensor->bytes != next)
			return error_text(
				"tensor %s begins at byte %zu, "
				"expected %zu",
				tensor->name,
				(size_t)((const unsigned char *)tensor->bytes -
					 first),
				(size_t)(next - first));
		if (!is_pad(tensor) &&
		    (size_t)(next - format->bytes) % ALIGNMENT != 0)
			return error_text("tensor %s does not begin at a "
					  "multiple of 64",
					  tensor->name);
		tensor->index = i;
		next += tensor->size;
	}
	if (next != format->bytes + format->size)
		return error_text("%zu bytes, expected %zu by the header: "
				  "it was %s",
				  format->size, (size_t)(next - format->bytes),
				  next > format->bytes + format->size
					  ? "cut"
					  : "added to");
	return NULL;
}

static const struct tensor *sums_of(const struct safetensors *format)
{
	return &format->tensors[format->count - 1];
}

/* Piece 0 is the header, piece i + 1 tensor i. */
static bool has_sum(const struct safetensors *format, size_t piece,
		    const void *bytes, size_t size)
{
	const unsigned char *sums = sums_of(format)->bytes;

	return XXH3_64bits(bytes, size) == get64(sums + piece * SUM_SIZE);
}

static const char *check_sum(const struct safetensors *format, size_t piece,
			     const void *bytes, size_t size, const char *what)
{
	if (has_sum(format, piece, bytes, size))
		return NULL;
	return error_text("%s does not have the checksum written for it: "
			  "the file is damaged",
			  what);
}

static const char *read_tensors(struct safetensors *format, json_t *header,
				const unsigned char *first)
{
	size_t left = format->size - (size_t)(first - format->bytes);
	const char *name, *error;
	json_t *entry;

	format->tensors =
		alloc(json_object_size(header), sizeof *format->tensors);
	json_object_foreach(header, name, entry)
	{
		struct tensor *tensor = &format->tensors[format->count];
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
		format->count++;
	}
	if (format->count == 0)
		return "the header names no tensor";
	qsort(format->tensors, format->count, sizeof *format->tensors,
	      by_place);
	error = check_places(format, first);
	if (error != NULL)
		return error;
	const struct tensor *sums = sums_of(format);
	if (strcmp(sums->name, checksum) != 0 || sums->type != DTYPE_U8 ||
	    sums->dims != 1 || sums->size != format->count * SUM_SIZE)
		return "its last tensor is not the checksum of all others";
	return check_sum(format, 0, format->bytes,
			 (size_t)(first - format->bytes), "the header");
}

static const char *read_metadata(struct safetensors *format, json_t *header)
{
	const char *key, *found;
	json_t *value;

	format->metadata = json_incref(json_object_get(header, "__metadata__"));
	json_object_foreach(format->metadata, key, value) if (
		!json_is_string(
			value)) return error_text("__metadata__ %.40s is no string",
						  key);
	found = safetensors_option(format, "format");
	if (found == NULL)
		return error_text(
			"a safetensors file of another kind: expected "
			"\"format\": \"%s\"",
			version);
	if (strcmp(found, version) != 0)
		return error_text("its format is \"%.40s\", expected \"%s\"",
				  found, version);
	return NULL;
}

const char *safetensors_read(struct safetensors *format,
			     const unsigned char *bytes, size_t size)
{
	json_error_t where;
	const char *error;

	*format = (struct safetensors){.bytes = bytes, .size = size};
	if (!file_type_is_binary_stream(bytes, size))
		return error_text("%s, expected a matrix or a model",
				  file_type_describe(bytes, size));
	uint64_t length = get64(bytes);
	if (length > header_limit || length > size - 8)
		return error_text("a header of %llu bytes is announced, and "
				  "%zu follow: it was cut, or is no model",
				  (unsigned long long)length, size - 8);
	if ((8 + length) % ALIGNMENT != 0)
		return "the header does not end at a multiple of 64";
	json_t *header = json_loadb((const char *)bytes + 8, length,
				    JSON_REJECT_DUPLICATES, &where);
	if (header == NULL)
		return error_text("the header is no JSON: %s", where.text);
	error = json_is_object(header) ? read_metadata(format, header)
				       : "the header is no JSON object";
	if (error == NULL)
		error = read_tensors(format, header, bytes + 8 + length);
	json_decref(header);
	return error;
}

const struct tensor *safetensors_find(const struct safetensors *format,
				      const char *name)
{
	for (size_t i = 0; i < format->count; i++)
		if (strcmp(format->tensors[i].name, name) == 0)
			return &format->tensors[i];
	return NULL;
}

const char *safetensors_need(const struct safetensors *format, const char *name,
			     enum dtype type, unsigned dims, uint64_t rows,
			     uint64_t columns, const struct tensor **tensor)
{
	const struct tensor *found = safetensors_find(format, name);

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

void safetensors_sum(const struct safetensors *format,
		     const struct tensor *tensor, unsigned char sum[8])
{
	const unsigned char *sums = sums_of(format)->bytes;

	memcpy(sum, sums + (tensor->index + 1) * SUM_SIZE, SUM_SIZE);
}

const char *safetensors_verify(const struct safetensors *format,
			       const struct tensor *tensor)
{
	const unsigned char *bytes = tensor->bytes;

	if (tensor == sums_of(format))
		return NULL;
	if (is_pad(tensor))
		for (size_t i = 0; i < tensor->size; i++)
			if (bytes[i] != 0)
				return error_text("tensor %s is not zero: the "
						  "file is damaged",
						  tensor->name);
	char what[64];
	snprintf(what, sizeof what, "tensor %s", tensor->name);
	return check_sum(format, tensor->index + 1, bytes, tensor->size, what);
}

struct verification {
	const struct safetensors *format;
	bool *damaged; /* of each tensor: it may be, and is looked at again */
};

static void verify_piece(void *shared, size_t piece, unsigned thread)
{
	struct verification *all = shared;
	const struct tensor *tensor = &all->format->tensors[piece];

	(void)thread;
	all->damaged[piece] =
		is_pad(tensor) || tensor == sums_of(all->format) ||
		!has_sum(all->format, piece + 1, tensor->bytes, tensor->size);
}

const char *safetensors_verify_all(const struct safetensors *format,
				   unsigned threads)
{
	struct verification all = {format, alloc(format->count, sizeof(bool))};
	const char *error = NULL;

	thread_pool_run(threads, format->count, verify_piece, &all);
	for (size_t i = 0; i < format->count && error == NULL; i++)
		if (all.damaged[i])
			error = safetensors_verify(format, &format->tensors[i]);
	free(all.damaged);
	return error;
}

const char *safetensors_option(const struct safetensors *format,
			       const char *key)
{
	return json_string_value(json_object_get(format->metadata, key));
}

void safetensors_id(const struct safetensors *format, char id[17])
{
	const struct tensor *sums = sums_of(format);

	snprintf(id, 17, "%016llx",
		 (unsigned long long)XXH3_64bits(sums->bytes, sums->size));
}

void safetensors_free(struct safetensors *format)
{
	json_decref(format->metadata);
	free(format->tensors);
	*format = (struct safetensors){0};
}

size_t safetensors_pass_on(const struct safetensors *format, struct tensor *dst,
			   size_t count)
{
	for (size_t i = 0; i < format->count; i++)
		if (!is_pad(&format->tensors[i]) &&
		    strcmp(format->tensors[i].name, checksum) != 0)
			dst[count++] = format->tensors[i];
	return count;
}

/* ---------------------------------------------------------------- writing */

void metadata_set(json_t *metadata, const char *key, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof text)
		die("%s: too long for the metadata", key);
	json_t *value = json_string(text);
	if (value == NULL)
		die("%s: \"%s\" is not UTF-8", key, text);
	if (json_object_set_new(metadata, key, value) != 0)
		die("out of memory");
}

/* The tensors with their pads, each behind the one it completes. */
static void lay_out(struct tensor_writer *writer, const struct tensor *tensors,
		    size_t count)
{
	size_t pads = 0;

	writer->tensors = alloc(2 * count + 1, sizeof *writer->tensors);
	for (size_t i = 0; i < count; i++) {
		struct tensor *tensor = &writer->tensors[writer->count++];
		*tensor = tensors[i];
		if (tensor->dims == 1)
			tensor->shape[1] = 1;
		if (!measure(tensor))
			die("tensor %s is too large", tensor->name);
		size_t rest = tensor->size % ALIGNMENT;
		if (rest == 0)
			continue;
		struct tensor *pad = &writer->tensors[writer->count++];
		pad->type = DTYPE_U8;
		pad->dims = 1;
		pad->size = pad->shape[0] = ALIGNMENT - rest;
		pad->shape[1] = 1;
		snprintf(pad->name, sizeof pad->name, "pad.%zu", pads++);
	}
}

static void describe(json_t *header, const struct tensor *tensor, size_t begin)
{
	json_t *shape =
		tensor->dims == 1
			? json_pack("[I]", (json_int_t)tensor->shape[0])
			: json_pack("[II]", (json_int_t)tensor->shape[0],
				    (json_int_t)tensor->shape[1]);
	json_t *entry =
		json_pack("{s:s,s:o,s:[II]}", "dtype", dtype_name(tensor->type),
			  "shape", shape, "data_offsets", (json_int_t)begin,
			  (json_int_t)(begin + tensor->size));

	if (entry == NULL ||
	    json_object_set_new(header, tensor->name, entry) != 0)
		die("out of memory");
}

/* The header as it is written; *size is a multiple of 64. */
static unsigned char *make_header(const struct tensor_writer *writer,
				  json_t *metadata, size_t *size)
{
	json_t *header = json_object(), *copy = json_deep_copy(metadata);
	struct tensor sums = {.name = "checksum",
			      .type = DTYPE_U8,
			      .dims = 1,
			      .shape = {0, 1}};
	size_t begin = 0;

	metadata_set(copy, "format", "%s", version);
	json_object_set_new(header, "__metadata__", copy);
	for (size_t i = 0; i < writer->count; i++) {
		describe(header, &writer->tensors[i], begin);
		begin += writer->tensors[i].size;
	}
	sums.size = sums.shape[0] = (writer->count + 1) * SUM_SIZE;
	describe(header, &sums, begin);
	char *text = json_dumps(header, JSON_SORT_KEYS | JSON_COMPACT);
	if (text == NULL)
		die("out of memory");
	size_t length = strlen(text);
	*size = (8 + length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	unsigned char *bytes = alloc(*size, 1);
	put64(bytes, *size - 8);
	memset(bytes + 8, ' ', *size - 8);
	memcpy(bytes + 8, text, length);
	free(text);
	json_decref(header);
	return bytes;
}

static void end_tensor(struct tensor_writer *writer, uint64_t sum)
{
	writer->sums[writer->current + 1] = sum;
	writer->current++;
	writer->done = 0;
}

static void put_pads(struct tensor_writer *writer)
{
	static const unsigned char zeros[ALIGNMENT];

	while (writer->current < writer->count &&
	       is_pad(&writer->tensors[writer->current])) {
		size_t size = writer->tensors[writer->current].size;

		output_write(writer->output, zeros, size);
		end_tensor(writer, XXH3_64bits(zeros, size));
	}
}

/* Where a tensor ends, take its sum, and go on to the next, writing pads. */
static void advance(struct tensor_writer *writer)
{
	while (writer->current < writer->count &&
	       writer->done == writer->tensors[writer->current].size) {
		end_tensor(writer, XXH3_64bits_digest(writer->state));
		XXH3_64bits_reset(writer->state);
		put_pads(writer);
	}
}

void tensor_writer_begin(struct tensor_writer *writer, struct output *output,
			 json_t *metadata, const struct tensor *tensors,
			 size_t count)
{
	size_t size;

	*writer = (struct tensor_writer){.output = output};
	lay_out(writer, tensors, count);
	writer->sums = alloc(writer->count + 1, sizeof *writer->sums);
	writer->state = XXH3_createState();
	if (writer->state == NULL)
		die("out of memory");
	XXH3_64bits_reset(writer->state);
	unsigned char *header = make_header(writer, metadata, &size);
	writer->sums[0] = XXH3_64bits(header, size);
	output_write(output, header, size);
	free(header);
	advance(writer);
}

void tensor_writer_put(struct tensor_writer *writer, const void *bytes,
		       size_t size)
{
	if (size == 0)
		return;
	if (writer->current == writer->count ||
	    size > writer->tensors[writer->current].size - writer->done)
		die("%s: a tensor is written beyond its end",
		    writer->output->name);
	XXH3_64bits_update(writer->state, bytes, size);
	output_write(writer->output, bytes, size);
	writer->done += size;
	advance(writer);
}

void tensor_writer_pass(struct tensor_writer *writer,
			const struct safetensors *format,
			const struct tensor *tensor)
{
	unsigned char sum[SUM_SIZE];

	if (tensor->size == 0)
		return;
	if (writer->current == writer->count || writer->done > 0 ||
	    tensor->size != writer->tensors[writer->current].size)
		die("%s: a tensor is passed on in place of another",
		    writer->output->name);
	safetensors_sum(format, tensor, sum);
	output_write(writer->output, tensor->bytes, tensor->size);
	end_tensor(writer, get64(sum));
	put_pads(writer);
	advance(writer);
}

void tensor_writer_end(struct tensor_writer *writer)
{
	unsigned char sum[SUM_SIZE];

	if (writer->current != writer->count)
		die("%s: tensor %s is not complete", writer->output->name,
		    writer->tensors[writer->current].name);
	for (size_t i = 0; i <= writer->count; i++) {
		put64(sum, writer->sums[i]);
		output_write(writer->output, sum, sizeof sum);
	}
	output_flush(writer->output);
	XXH3_freeState(writer->state);
	free(writer->sums);
	free(writer->tensors);
	*writer = (struct tensor_writer){0};
}
