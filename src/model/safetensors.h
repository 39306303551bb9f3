/* safetensors: the binary stream of matrices and models.
 *
 * It is a safetensors file.  8 bytes, little-endian: the length of the header.
 * The header: a JSON object; each key names a tensor and its value gives
 * "dtype", "shape" and "data_offsets" (begin and end, counted from the end of
 * the header), but for "__metadata__", which maps strings to strings.  Then
 * the tensors, row-major and little-endian, without holes.
 *
 * Of that freedom we use less, and a reader refuses the rest:
 * - the header is padded with spaces so that the first tensor begins at a
 *   multiple of 64 of the file, and each tensor begins at a multiple of 64:
 *   where one ends elsewhere, a U8 tensor pad.N of zeros (N from 0) follows;
 * - dtypes are U8, I32, I64, F32, F64; a shape has one or two sizes;
 * - the last tensor is "checksum", U8: for the 8 bytes and the header as one
 *   piece, and then for each tensor before it in file order, 8 bytes,
 *   little-endian, of XXH3 (64 bits, seed 0);
 * - the file ends where it ends;
 * - __metadata__ has "format": "customer-similarity 1".
 *
 * Nothing in the header depends on what is known only after the first tensor
 * is written, so a stream whose producer failed lacks its end and is refused.
 *
 * Functions that read end nothing: they return NULL or an error text, which
 * does not name the file. */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"

enum dtype { DTYPE_U8, DTYPE_I32, DTYPE_I64, DTYPE_F32, DTYPE_F64 };

/* A tensor of a file, or one to be written (bytes and index then unused). */
struct tensor {
	char name[32];
	enum dtype type;
	unsigned dims;     /* 1 or 2 */
	uint64_t shape[2]; /* shape[1] is 1 where dims is 1 */
	const void *bytes;
	size_t size;  /* in bytes; of written ones set by tensor_writer_begin */
	size_t index; /* its place in the file, pads counted */
};

/* A file in memory.  Owns its tables, not the bytes. */
struct safetensors {
	const unsigned char *bytes;
	size_t size;
	json_t *metadata;       /* object of strings */
	struct tensor *tensors; /* in file order, pads and checksum included */
	size_t count;
};

/* Read the header and check it whole; no tensor's bytes are touched but the
 * checksum's.  size bytes must stay mapped as long as the format is used. */
const char *safetensors_read(struct safetensors *format,
			     const unsigned char *bytes, size_t size);

/* The tensor of that name, or NULL. */
const struct tensor *safetensors_find(const struct safetensors *format,
				      const char *name);

/* The same, or an error text if it is missing or not of that type and shape;
 * rows or columns UINT64_MAX: any.  dims 1: columns is ignored. */
const char *safetensors_need(const struct safetensors *format, const char *name,
			     enum dtype type, unsigned dims, uint64_t rows,
			     uint64_t columns, const struct tensor **tensor);

/* Compare the tensor's bytes with its checksum; pads must be zeros too. */
const char *safetensors_verify(const struct safetensors *format,
			       const struct tensor *tensor);

/* safetensors_verify of every tensor, by so many threads. */
const char *safetensors_verify_all(const struct safetensors *format,
				   unsigned threads);

/* The option under that key of __metadata__ ("svd.k"), or NULL. */
const char *safetensors_option(const struct safetensors *format,
			       const char *key);

/* The checksum that the file has for the tensor: XXH3, 8 bytes. */
void safetensors_sum(const struct safetensors *format,
		     const struct tensor *tensor, unsigned char sum[8]);

/* The id of the content: XXH3 of the checksum tensor, 16 hex digits. */
void safetensors_id(const struct safetensors *format, char id[17]);

void safetensors_free(struct safetensors *format);

/* "F32" and the like, and bytes for each item. */
const char *dtype_name(enum dtype type);
size_t dtype_size(enum dtype type);

/* ------------------------------------------------------------------------ */

/* A stream being written: header first, then bytes in order. */
struct tensor_writer {
	struct output *output;
	struct tensor *tensors; /* with pads, without checksum */
	size_t count;
	size_t current; /* the tensor that the next byte belongs to */
	size_t done;    /* bytes of it written */
	void *state;    /* of the running checksum */
	uint64_t *sums;
};

/* Write the header.  tensors[0..count) have name, type, dims, shape set, in
 * the order in which their bytes will come; pads and checksum are added.
 * metadata is read, not kept; its keys are written in sorted order and
 * "format" is added. */
void tensor_writer_begin(struct tensor_writer *writer, struct output *output,
			 json_t *metadata, const struct tensor *tensors,
			 size_t count);

/* The next size bytes of the tensors; a call may end within a tensor, and
 * must not go beyond the end of one. */
void tensor_writer_put(struct tensor_writer *writer, const void *bytes,
		       size_t size);

/* The next tensor, whole, as it stands in a file that was verified, which knows
 * its sum. */
void tensor_writer_pass(struct tensor_writer *writer,
			const struct safetensors *format,
			const struct tensor *tensor);

/* The checksum, and the flush; every tensor must be complete.  The output
 * stays open. */
void tensor_writer_end(struct tensor_writer *writer);

/* Set metadata[key] to a printed string. */
void metadata_set(json_t *metadata, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Set dst[count...] to the tensors of format that a later stage passes on:
 * all but pads and checksum.  Returns the new count; dst must have room for
 * format->count more. */
size_t safetensors_pass_on(const struct safetensors *format, struct tensor *dst,
			   size_t count);

#endif
