/* safetensors: the file format of matrices and models, and its reader.
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
 * Errors are returned as an error text, which does not name the file; NULL is
 * success. */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/tensor.h"

/* The value of "format" in __metadata__. */
#define SAFETENSORS_VERSION "customer-similarity 1"

/* A file in memory.  Owns its tables, not the bytes. */
struct safetensors {
	const unsigned char *bytes;
	size_t size;
	json_t *metadata;       /* object of strings */
	struct tensor *tensors; /* in file order, padding and checksums
				   included */
	size_t count;
	bool checked; /* what it was made of was verified by this process: the
			 functions below do not compare its bytes again */
};

/* Read the header of size bytes and check all of it; of the tensors only the
 * checksums are read.  The bytes must stay in place as long as the file is
 * used.  Returns NULL or an error text; to be freed in both cases. */
const char *safetensors_read(struct safetensors *file,
			     const unsigned char *bytes, size_t size);

void safetensors_free(struct safetensors *file);

/* The tensor of that name, or NULL.  O(tensors). */
const struct tensor *safetensors_find(const struct safetensors *file,
				      const char *name);

/* Set *tensor to the tensor of that name, type and shape.  rows or columns may
 * be UINT64_MAX: any; with dims 1, columns is ignored.  An error text if it is
 * missing or another. */
const char *safetensors_need(const struct safetensors *file, const char *name,
			     enum dtype type, unsigned dims, uint64_t rows,
			     uint64_t columns, const struct tensor **tensor);

/* Compare the tensor's bytes with its checksum; padding must be zero, too.
 * Reads all its bytes. */
const char *safetensors_verify(const struct safetensors *file,
			       const struct tensor *tensor);

/* safetensors_verify for every tensor, by so many threads; the error is that
 * of the first damaged tensor in file order. */
const char *safetensors_verify_all(const struct safetensors *file,
				   unsigned threads);

/* The option under that key of __metadata__ ("svd.k"), or NULL. */
const char *safetensors_option(const struct safetensors *file, const char *key);

/* Set *index to the index of that option in words, which end with NULL.  An
 * error text where it is missing or none of them. */
const char *safetensors_word(const struct safetensors *file, const char *key,
			     const char *const words[], int *index);

/* The checksum that the file states for the tensor. */
void safetensors_sum(const struct safetensors *file,
		     const struct tensor *tensor,
		     unsigned char sum[TENSOR_SUM_SIZE]);

/* The id of the content: XXH3 of the checksum tensor, as 16 hexadecimal digits
 * and a zero byte. */
void safetensors_id(const struct safetensors *file, char id[17]);

/* Append to dst[0..count) the tensors that the next stage copies: all but
 * padding and checksums.  Returns the new count; dst must have room for
 * file->count more. */
size_t safetensors_pass_on(const struct safetensors *file, struct tensor *dst,
			   size_t count);

#endif
