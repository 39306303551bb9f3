#include "model/tensor.h"

#include <string.h>
#include <xxhash.h>
#ifdef __x86_64__
/* The same functions by AVX2 and AVX-512, where the processor has them. */
#include <xxh_x86dispatch.h>
#endif

static const struct {
	const char *name;
	size_t size;
} dtypes[] = {
	[DTYPE_U8] = {"U8", 1},   [DTYPE_I32] = {"I32", 4},
	[DTYPE_I64] = {"I64", 8}, [DTYPE_F32] = {"F32", 4},
	[DTYPE_F64] = {"F64", 8},
};

const char *dtype_name(enum dtype type)
{
	return dtypes[type].name;
}

size_t dtype_size(enum dtype type)
{
	return dtypes[type].size;
}

enum dtype dtype_find(const char *name)
{
	int type = 0;

	while (type < DTYPES && strcmp(dtypes[type].name, name) != 0)
		type++;
	return (enum dtype)type;
}

bool tensor_measure(struct tensor *tensor)
{
	uint64_t items;

	return !__builtin_mul_overflow(tensor->shape[0], tensor->shape[1],
				       &items) &&
	       !__builtin_mul_overflow(items, dtype_size(tensor->type),
				       &tensor->size) &&
	       tensor->size <= SIZE_MAX / 2;
}

bool tensor_is_padding(const struct tensor *tensor)
{
	return strncmp(tensor->name, "pad.", 4) == 0;
}

uint64_t tensor_sum(const void *bytes, size_t size)
{
	return XXH3_64bits(bytes, size);
}

uint64_t tensor_get64(const unsigned char *bytes)
{
	uint64_t value = 0;

	for (int i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

void tensor_put64(unsigned char *bytes, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> 8 * i);
}
