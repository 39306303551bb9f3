#include "model/safetensors_writer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h>
#endif

#include "base/alloc.h"
#include "base/json_memory.h"
#include "base/utf8.h"

void metadata_set(json_t *metadata, const char *key, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = alloc_vprint(format, arguments);
	va_end(arguments);
	assert(utf8_first_invalid((unsigned char *)text, strlen(text)) ==
	       strlen(text));
	json_t *value = alloc_check(json_string(text));
	json_check(json_object_set_new(metadata, key, value));
	free(text);
}

/* Set writer->tensors to the tensors, each followed by its padding. */
static void set_tensors(struct tensor_writer *writer,
			const struct tensor *tensors, size_t count)
{
	size_t paddings = 0;

	writer->tensors = alloc(2 * count + 1, sizeof *writer->tensors);
	for (size_t i = 0; i < count; i++) {
		struct tensor *tensor = &writer->tensors[writer->count++];
		*tensor = tensors[i];
		if (tensor->dims == 1)
			tensor->shape[1] = 1;
		bool fits = tensor_measure(tensor);
		assert(fits);
		(void)fits;
		size_t rest = tensor->size % TENSOR_ALIGNMENT;
		if (rest == 0)
			continue;
		struct tensor *padding = &writer->tensors[writer->count++];
		padding->type = DTYPE_U8;
		padding->dims = 1;
		padding->size = padding->shape[0] = TENSOR_ALIGNMENT - rest;
		padding->shape[1] = 1;
		snprintf(padding->name, sizeof padding->name, "pad.%zu",
			 paddings++);
	}
}

/* Add the entry of a tensor whose bytes begin at begin, counted from the end of
 * the header. */
static void describe(json_t *header, const struct tensor *tensor, size_t begin)
{
	json_t *shape =
		tensor->dims == 1
			? json_pack("[I]", (json_int_t)tensor->shape[0])
			: json_pack("[II]", (json_int_t)tensor->shape[0],
				    (json_int_t)tensor->shape[1]);
	json_t *entry = alloc_check(
		json_pack("{s:s,s:o,s:[II]}", "dtype", dtype_name(tensor->type),
			  "shape", shape, "data_offsets", (json_int_t)begin,
			  (json_int_t)(begin + tensor->size)));

	json_check(json_object_set_new(header, tensor->name, entry));
}

/* The header as it is written; *size is a multiple of 64. */
static unsigned char *make_header(const struct tensor_writer *writer,
				  json_t *metadata, size_t *size)
{
	json_t *header = alloc_check(json_object());
	json_t *copy = alloc_check(json_deep_copy(metadata));
	struct tensor sums = {.name = TENSOR_SUMS,
			      .type = DTYPE_U8,
			      .dims = 1,
			      .shape = {0, 1}};
	size_t begin = 0;

	metadata_set(copy, "format", "%s", SAFETENSORS_VERSION);
	json_check(json_object_set_new(header, "__metadata__", copy));
	for (size_t i = 0; i < writer->count; i++) {
		describe(header, &writer->tensors[i], begin);
		begin += writer->tensors[i].size;
	}
	sums.size = sums.shape[0] = (writer->count + 1) * TENSOR_SUM_SIZE;
	describe(header, &sums, begin);
	char *text =
		alloc_check(json_dumps(header, JSON_SORT_KEYS | JSON_COMPACT));
	size_t length = strlen(text);
	*size = (8 + length + TENSOR_ALIGNMENT - 1) / TENSOR_ALIGNMENT *
		TENSOR_ALIGNMENT;
	unsigned char *bytes = alloc(*size, 1);
	tensor_put64(bytes, *size - 8);
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

static void put_padding(struct tensor_writer *writer)
{
	static const unsigned char zeros[TENSOR_ALIGNMENT];

	while (writer->current < writer->count &&
	       tensor_is_padding(&writer->tensors[writer->current])) {
		size_t size = writer->tensors[writer->current].size;

		output_write(writer->output, zeros, size);
		end_tensor(writer, tensor_sum(zeros, size));
	}
}

/* Where a tensor ends, record its checksum and go on to the next, writing the
 * padding between them. */
static void advance(struct tensor_writer *writer)
{
	while (writer->current < writer->count &&
	       writer->done == writer->tensors[writer->current].size) {
		end_tensor(writer, XXH3_64bits_digest(writer->state));
		XXH3_64bits_reset(writer->state);
		put_padding(writer);
	}
}

void tensor_writer_begin(struct tensor_writer *writer, struct output *output,
			 json_t *metadata, const struct tensor *tensors,
			 size_t count)
{
	size_t size;

	*writer = (struct tensor_writer){.output = output};
	set_tensors(writer, tensors, count);
	writer->sums = alloc(writer->count + 1, sizeof *writer->sums);
	writer->state = alloc_check(XXH3_createState());
	XXH3_64bits_reset(writer->state);
	unsigned char *header = make_header(writer, metadata, &size);
	writer->sums[0] = tensor_sum(header, size);
	output_write(output, header, size);
	free(header);
	advance(writer);
}

void tensor_writer_put(struct tensor_writer *writer, const void *bytes,
		       size_t size)
{
	if (size == 0)
		return;
	assert(writer->current < writer->count &&
	       size <= writer->tensors[writer->current].size - writer->done);
	XXH3_64bits_update(writer->state, bytes, size);
	output_write(writer->output, bytes, size);
	writer->done += size;
	advance(writer);
}

void tensor_writer_pass(struct tensor_writer *writer,
			const struct safetensors *file,
			const struct tensor *tensor)
{
	unsigned char sum[TENSOR_SUM_SIZE];

	if (tensor->size == 0)
		return;
	assert(writer->current < writer->count && writer->done == 0 &&
	       tensor->size == writer->tensors[writer->current].size);
	safetensors_sum(file, tensor, sum);
	output_write(writer->output, tensor->bytes, tensor->size);
	end_tensor(writer, tensor_get64(sum));
	put_padding(writer);
	advance(writer);
}

void tensor_writer_end(struct tensor_writer *writer)
{
	unsigned char sum[TENSOR_SUM_SIZE];

	assert(writer->current == writer->count);
	for (size_t i = 0; i <= writer->count; i++) {
		tensor_put64(sum, writer->sums[i]);
		output_write(writer->output, sum, sizeof sum);
	}
	output_flush(writer->output);
	tensor_writer_discard(writer);
}

void tensor_writer_discard(struct tensor_writer *writer)
{
	XXH3_freeState(writer->state);
	free(writer->sums);
	free(writer->tensors);
	*writer = (struct tensor_writer){0};
}
