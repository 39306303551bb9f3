/* tensor: the description of one tensor of a safetensors file, and what its
 * reader and its writer (model/safetensors, model/safetensors_writer) agree on:
 * data types, padding, checksums. */
#ifndef MODEL_TENSOR_H
#define MODEL_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tensors begin at a multiple of so many bytes of the file. */
enum { TENSOR_ALIGNMENT = 64 };

/* Bytes of a checksum; the name of the tensor that holds them. */
enum { TENSOR_SUM_SIZE = 8 };
#define TENSOR_SUMS "checksum"

enum dtype { DTYPE_U8, DTYPE_I32, DTYPE_I64, DTYPE_F32, DTYPE_F64, DTYPES };

/* A tensor of a file, or one to be written (bytes and index then unused). */
struct tensor {
	char name[32];
	enum dtype type;
	unsigned dims;     /* 1 or 2 */
	uint64_t shape[2]; /* shape[1] is 1 where dims is 1 */
	const void *bytes; /* not owned */
	size_t size;       /* in bytes; of tensors to be written it is set by
			      tensor_writer_begin() */
	size_t index;      /* its place in the file, padding counted */
};

/* "F32" and the like, and the bytes of an item. */
const char *dtype_name(enum dtype type);
size_t dtype_size(enum dtype type);

/* The type of that name, or DTYPES. */
enum dtype dtype_find(const char *name);

/* Set size from type and shape; false where it overflows. */
bool tensor_measure(struct tensor *tensor);

/* Whether it is padding, a tensor pad.N. */
bool tensor_is_padding(const struct tensor *tensor);

/* The checksum of size bytes: XXH3, 64 bits, seed 0. */
uint64_t tensor_sum(const void *bytes, size_t size);

/* 64-bit numbers as 8 bytes, little-endian. */
uint64_t tensor_get64(const unsigned char *bytes);
void tensor_put64(unsigned char *bytes, uint64_t value);

#endif
