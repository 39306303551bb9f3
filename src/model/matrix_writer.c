#include "model/matrix_writer.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "model/matrix_metadata.h"
#include "model/safetensors_writer.h"

/* profile.indptr */
static void put_row_bounds(struct matrix_builder *builder,
			   struct tensor_writer *writer)
{
	int64_t end = 0;

	tensor_writer_put(writer, &end, sizeof end);
	for (size_t i = 0; i < builder->n; i++) {
		size_t count;
		matrix_builder_row(builder, i, &count);
		end += (int64_t)count;
		tensor_writer_put(writer, &end, sizeof end);
	}
}

enum part { PART_COLUMN, PART_VALUE, PART_RAW };

/* One of the three tensors that have an item of 32 bits for each pair. */
static void put_pairs(struct matrix_builder *builder,
		      struct tensor_writer *writer, enum part part)
{
	union {
		int32_t column;
		float real;
	} *items = NULL;
	size_t capacity = 0, count;

	for (size_t i = 0; i < builder->n; i++) {
		const struct matrix_entry *entries =
			matrix_builder_row(builder, i, &count);
		const double *values = NULL;
		if (part == PART_VALUE)
			values = matrix_builder_values(builder, count);
		items = alloc_grow(items, &capacity, count, sizeof *items);
		for (size_t j = 0; j < count; j++)
			if (part == PART_COLUMN)
				items[j].column = entries[j].column;
			else
				items[j].real = (float)(part == PART_RAW
								? entries[j].raw
								: values[j]);
		tensor_writer_put(writer, items, count * sizeof *items);
	}
	free(items);
}

static size_t name_bytes(struct matrix_builder *builder, size_t count,
			 const char *(*name)(struct matrix_builder *, size_t,
					     size_t *))
{
	size_t bytes = 0, length;

	for (size_t i = 0; i < count; i++) {
		name(builder, i, &length);
		bytes += length;
	}
	return bytes;
}

/* The two tensors of a text_array: count + 1 offsets, and the bytes. */
static void put_names(struct matrix_builder *builder,
		      struct tensor_writer *writer, size_t count,
		      const char *(*name)(struct matrix_builder *, size_t,
					  size_t *))
{
	size_t length;
	int64_t end = 0;

	tensor_writer_put(writer, &end, sizeof end);
	for (size_t i = 0; i < count; i++) {
		name(builder, i, &length);
		end += (int64_t)length;
		tensor_writer_put(writer, &end, sizeof end);
	}
	for (size_t i = 0; i < count; i++) {
		const char *text = name(builder, i, &length);
		tensor_writer_put(writer, text, length);
	}
}

static json_t *make_metadata(const struct matrix_builder *builder,
			     const char *version)
{
	const struct matrix_options *options = builder->options;
	char *const *columns = builder->profiles.columns;
	json_t *metadata = json_object();
	char id[17];

	if (options->fold_in != NULL)
		fold_in_describe(options->fold_in, metadata);
	metadata_set(metadata, "matrix.version", "%s", version);
	if (options->fold_in != NULL)
		return metadata;
	metadata_set(metadata, "columns.customer", "%s", columns[0]);
	metadata_set(metadata, "columns.tag", "%s", columns[1]);
	metadata_set(metadata, "columns.value", "%s",
		     columns[builder->profiles.value == VALUE_EVENTS ? 2 : 3]);
	matrix_metadata_set(metadata, options, builder->profiles.value,
			    builder->files);
	if (options->value == VALUE_AUTO)
		metadata_set(metadata, "matrix.repeated", "%.6g",
			     builder->profiles.repeated);
	if (options->whole != NULL) {
		safetensors_id(&options->whole->format, id);
		metadata_set(metadata, "matrix.tally", "%s", id);
	}
	return metadata;
}

static void begin(struct matrix_builder *builder, const char *version,
		  struct tensor_writer *writer, struct output *output)
{
	size_t n = builder->n, m = builder->m, nnz = builder->nnz;
	size_t user_bytes = name_bytes(builder, n, matrix_builder_customer);
	size_t tag_bytes = name_bytes(builder, m, matrix_builder_tag);
	json_t *metadata = make_metadata(builder, version);
	const struct tensor tensors[] = {
		{"profile.indptr", DTYPE_I64, 1, {n + 1, 1}, NULL, 0, 0},
		{"profile.indices", DTYPE_I32, 1, {nnz, 1}, NULL, 0, 0},
		{"profile.values", DTYPE_F32, 1, {nnz, 1}, NULL, 0, 0},
		{"profile.raw", DTYPE_F32, 1, {nnz, 1}, NULL, 0, 0},
		{"users.offsets", DTYPE_I64, 1, {n + 1, 1}, NULL, 0, 0},
		{"users.bytes", DTYPE_U8, 1, {user_bytes, 1}, NULL, 0, 0},
		{"users.tenth", DTYPE_U8, 1, {n, 1}, NULL, 0, 0},
		{"tags.offsets", DTYPE_I64, 1, {m + 1, 1}, NULL, 0, 0},
		{"tags.bytes", DTYPE_U8, 1, {tag_bytes, 1}, NULL, 0, 0},
		{"tags.weight", DTYPE_F64, 1, {m, 1}, NULL, 0, 0},
		{"tags.tenths", DTYPE_I64, 2, {m, TENTHS}, NULL, 0, 0},
		{"tenths", DTYPE_I64, 1, {TENTHS, 1}, NULL, 0, 0},
	};

	tensor_writer_begin(writer, output, metadata, tensors,
			    sizeof tensors / sizeof *tensors);
	json_decref(metadata);
}

void matrix_writer_write(struct matrix_builder *builder, const char *version,
			 struct output *output)
{
	struct tensor_writer writer;
	size_t m = builder->m;

	begin(builder, version, &writer, output);
	put_row_bounds(builder, &writer);
	put_pairs(builder, &writer, PART_COLUMN);
	put_pairs(builder, &writer, PART_VALUE);
	put_pairs(builder, &writer, PART_RAW);
	put_names(builder, &writer, builder->n, matrix_builder_customer);
	tensor_writer_put(&writer, tempfile_bytes(&builder->tenth), builder->n);
	put_names(builder, &writer, m, matrix_builder_tag);
	tensor_writer_put(&writer, builder->weight,
			  m * sizeof *builder->weight);
	tensor_writer_put(&writer, builder->counts.tenths,
			  m * TENTHS * sizeof *builder->counts.tenths);
	tensor_writer_put(&writer, builder->counts.tenth_size,
			  sizeof builder->counts.tenth_size);
	tensor_writer_end(&writer);
}
