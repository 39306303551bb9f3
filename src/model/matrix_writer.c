#include "model/matrix_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ordered_work.h"
#include "model/matrix_metadata.h"
#include "model/safetensors_writer.h"

/* Customers of the pieces that threads write. */
enum { PIECE = 4096 };

enum part {
	PART_ROW_END,
	PART_COLUMN,
	PART_VALUE,
	PART_RAW,
	PART_NAME_END,
	PART_NAME
};

/* What a thread writes for a piece. */
struct piece_thread {
	struct matrix_builder view;
	unsigned char *bytes;
	size_t size, room;
};

/* A tensor that has items for each customer. */
struct writing {
	struct tensor_writer *writer;
	struct piece_thread *threads;
	enum part part;
	size_t n;
	int64_t base; /* the last end that is written */
};

static void *add_bytes(struct piece_thread *state, size_t size)
{
	state->bytes =
		alloc_grow(state->bytes, &state->room, state->size + size, 1);
	state->size += size;
	return state->bytes + state->size - size;
}

/* The items of 32 bits of the pairs of row i. */
static void add_pairs(struct piece_thread *state, size_t i, enum part part)
{
	size_t count;
	const struct matrix_entry *entries =
		matrix_builder_row(&state->view, i, &count);
	const double *values = NULL;

	if (part == PART_VALUE)
		values = matrix_builder_values(&state->view, count);
	void *bytes = add_bytes(state, count * sizeof(float));
	int32_t *columns = bytes;
	float *reals = bytes;
	for (size_t j = 0; j < count; j++)
		if (part == PART_COLUMN)
			columns[j] = entries[j].column;
		else
			reals[j] = (float)(part == PART_RAW ? entries[j].raw
							    : values[j]);
}

/* Add a length to the last end of the piece. */
static void add_end(struct piece_thread *state, size_t length)
{
	int64_t last = 0;

	if (state->size > 0)
		memcpy(&last, state->bytes + state->size - sizeof last,
		       sizeof last);
	last += (int64_t)length;
	memcpy(add_bytes(state, sizeof last), &last, sizeof last);
}

/* Make the items of a piece; ends count from its start. */
static void make_items(void *shared, size_t piece, unsigned thread)
{
	const struct writing *writing = shared;
	struct piece_thread *state = &writing->threads[thread];
	size_t end = (piece + 1) * PIECE, length;
	const char *name;

	state->size = 0;
	for (size_t i = piece * PIECE; i < end && i < writing->n; i++)
		switch (writing->part) {
		case PART_ROW_END:
			matrix_builder_row(&state->view, i, &length);
			add_end(state, length);
			break;
		case PART_NAME_END:
			matrix_builder_customer(&state->view, i, &length);
			add_end(state, length);
			break;
		case PART_NAME:
			name = matrix_builder_customer(&state->view, i,
						       &length);
			memcpy(add_bytes(state, length), name, length);
			break;
		case PART_COLUMN:
		case PART_VALUE:
		case PART_RAW:
			add_pairs(state, i, writing->part);
		}
}

static void put_items(void *shared, size_t piece, unsigned thread)
{
	struct writing *writing = shared;
	struct piece_thread *state = &writing->threads[thread];

	(void)piece;
	if (writing->part == PART_ROW_END || writing->part == PART_NAME_END) {
		int64_t *ends = (int64_t *)(void *)state->bytes;
		size_t count = state->size / sizeof *ends;
		for (size_t i = 0; i < count; i++)
			ends[i] += writing->base;
		writing->base = ends[count - 1];
	}
	tensor_writer_put(writing->writer, state->bytes, state->size);
}

/* Write one of the tensors of the customers. */
static void put_part(struct matrix_builder *builder,
		     struct tensor_writer *writer, enum part part)
{
	unsigned threads = matrix_rows_threads(builder);
	struct writing writing = {
		.writer = writer, .part = part, .n = builder->n};

	writing.threads = alloc(threads, sizeof *writing.threads);
	for (unsigned t = 0; t < threads; t++)
		matrix_rows_view(&writing.threads[t].view, builder);
	if (part == PART_ROW_END || part == PART_NAME_END)
		tensor_writer_put(writer, &writing.base, sizeof writing.base);
	ordered_work_run(threads, (builder->n + PIECE - 1) / PIECE, make_items,
			 put_items, &writing);
	for (unsigned t = 0; t < threads; t++) {
		matrix_rows_end_view(&writing.threads[t].view);
		free(writing.threads[t].bytes);
	}
	free(writing.threads);
}

/* The bytes of the names of all customers. */
static size_t customer_bytes(struct matrix_builder *builder)
{
	size_t bytes = 0, length;

	for (size_t i = 0; i < builder->n; i++) {
		matrix_builder_customer(builder, i, &length);
		bytes += length;
	}
	return bytes;
}

static size_t tag_bytes(struct matrix_builder *builder)
{
	size_t bytes = 0, length;

	for (size_t i = 0; i < builder->m; i++) {
		matrix_builder_tag(builder, i, &length);
		bytes += length;
	}
	return bytes;
}

/* The two tensors of the names of tags: m + 1 offsets, and the bytes. */
static void put_tags(struct matrix_builder *builder,
		     struct tensor_writer *writer)
{
	size_t length;
	int64_t end = 0;

	tensor_writer_put(writer, &end, sizeof end);
	for (size_t i = 0; i < builder->m; i++) {
		matrix_builder_tag(builder, i, &length);
		end += (int64_t)length;
		tensor_writer_put(writer, &end, sizeof end);
	}
	for (size_t i = 0; i < builder->m; i++) {
		const char *text = matrix_builder_tag(builder, i, &length);
		tensor_writer_put(writer, text, length);
	}
}

static json_t *make_metadata(const struct matrix_builder *builder,
			     const char *version)
{
	const struct matrix_options *options = builder->options;
	char *const *columns = builder->profiles.columns;
	json_t *metadata = alloc_check(json_object());
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
	json_t *metadata = make_metadata(builder, version);
	const struct tensor tensors[] = {
		{"profile.indptr", DTYPE_I64, 1, {n + 1, 1}, NULL, 0, 0},
		{"profile.indices", DTYPE_I32, 1, {nnz, 1}, NULL, 0, 0},
		{"profile.values", DTYPE_F32, 1, {nnz, 1}, NULL, 0, 0},
		{"profile.raw", DTYPE_F32, 1, {nnz, 1}, NULL, 0, 0},
		{"users.offsets", DTYPE_I64, 1, {n + 1, 1}, NULL, 0, 0},
		{"users.bytes",
		 DTYPE_U8,
		 1,
		 {customer_bytes(builder), 1},
		 NULL,
		 0,
		 0},
		{"users.tenth", DTYPE_U8, 1, {n, 1}, NULL, 0, 0},
		{"tags.offsets", DTYPE_I64, 1, {m + 1, 1}, NULL, 0, 0},
		{"tags.bytes",
		 DTYPE_U8,
		 1,
		 {tag_bytes(builder), 1},
		 NULL,
		 0,
		 0},
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
	put_part(builder, &writer, PART_ROW_END);
	put_part(builder, &writer, PART_COLUMN);
	put_part(builder, &writer, PART_VALUE);
	put_part(builder, &writer, PART_RAW);
	put_part(builder, &writer, PART_NAME_END);
	put_part(builder, &writer, PART_NAME);
	tensor_writer_put(&writer, tempfile_bytes(&builder->tenth), builder->n);
	put_tags(builder, &writer);
	tensor_writer_put(&writer, builder->weight,
			  m * sizeof *builder->weight);
	tensor_writer_put(&writer, builder->counts.tenths,
			  m * TENTHS * sizeof *builder->counts.tenths);
	tensor_writer_put(&writer, builder->counts.tenth_size,
			  sizeof builder->counts.tenth_size);
	tensor_writer_end(&writer);
}
