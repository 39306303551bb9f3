#include "model/npy.h"

#include <stdio.h>
#include <string.h>

enum { ALIGNMENT = 64, PREFIX = 10 };

static void put_header(struct output *output, const char *type,
		       const char *shape)
{
	char text[256];
	int length = snprintf(text, sizeof text,
			      "{'descr': '%s', 'fortran_order': False, "
			      "'shape': (%s), }",
			      type, shape);
	size_t size = PREFIX + (size_t)length + 1;
	size_t padded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	size_t announced = padded - PREFIX;

	output_write(output, "\x93NUMPY\x01", 8);
	output_write(output,
		     (unsigned char[]){(unsigned char)(announced & 0xff),
				       (unsigned char)(announced >> 8)},
		     2);
	output_write(output, text, (size_t)length);
	for (; size < padded; size++)
		output_write(output, " ", 1);
	output_write(output, "\n", 1);
}

void npy_tensor(struct output *output, const struct tensor *tensor)
{
	static const char *const types[] = {
		[DTYPE_U8] = "|u1",  [DTYPE_I32] = "<i4", [DTYPE_I64] = "<i8",
		[DTYPE_F32] = "<f4", [DTYPE_F64] = "<f8",
	};
	char shape[64];

	if (tensor->dims == 1)
		snprintf(shape, sizeof shape, "%llu,",
			 (unsigned long long)tensor->shape[0]);
	else
		snprintf(shape, sizeof shape, "%llu, %llu",
			 (unsigned long long)tensor->shape[0],
			 (unsigned long long)tensor->shape[1]);
	put_header(output, types[tensor->type], shape);
	output_write(output, tensor->bytes, tensor->size);
}

void npy_texts(struct output *output, const struct text_array *texts)
{
	static const char zeros[ALIGNMENT];
	char type[32], shape[32];
	size_t width = 1, length;

	for (size_t i = 0; i < texts->count; i++) {
		text_array_at(texts, i, &length);
		if (length > width)
			width = length;
	}
	snprintf(type, sizeof type, "|S%zu", width);
	snprintf(shape, sizeof shape, "%zu,", texts->count);
	put_header(output, type, shape);
	for (size_t i = 0; i < texts->count; i++) {
		const char *text = text_array_at(texts, i, &length);
		output_write(output, text, length);
		for (size_t part; length < width; length += part) {
			part = width - length < sizeof zeros ? width - length
							     : sizeof zeros;
			output_write(output, zeros, part);
		}
	}
}
