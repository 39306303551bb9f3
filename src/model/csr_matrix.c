#include "model/csr_matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/string_table.h"
#include "text/percent.h"

const char *text_array_view(struct text_array *texts,
			    const struct safetensors *format,
			    const char *offsets, const char *bytes,
			    uint64_t count)
{
	const struct tensor *where, *what;
	const char *error;

	error = safetensors_need(format, offsets, DTYPE_I64, 1, UINT64_MAX, 1,
				 &where);
	if (error == NULL)
		error = safetensors_need(format, bytes, DTYPE_U8, 1, UINT64_MAX,
					 1, &what);
	if (error != NULL)
		return error;
	texts->offsets = where->bytes;
	texts->bytes = what->bytes;
	if (where->shape[0] == 0 ||
	    (count != UINT64_MAX && where->shape[0] != count + 1))
		return error_text(
			"tensor %s has another shape than the tensors "
			"beside it",
			offsets);
	texts->count = where->shape[0] - 1;
	if (texts->offsets[0] != 0 ||
	    texts->offsets[texts->count] != (int64_t)what->shape[0])
		return error_text("tensor %s does not span tensor %s", offsets,
				  bytes);
	return NULL;
}

static const char *option_or(const struct safetensors *format, const char *key,
			     const char *otherwise)
{
	const char *found = safetensors_option(format, key);

	return found ? found : otherwise;
}

static const char *view_rows(struct csr_matrix *matrix,
			     const struct safetensors *format)
{
	const struct tensor *indptr, *indices, *values, *raw;
	const char *error;

	error = safetensors_need(format, "profile.indptr", DTYPE_I64, 1,
				 UINT64_MAX, 1, &indptr);
	if (error == NULL && indptr->shape[0] == 0)
		error = "tensor profile.indptr is empty";
	if (error == NULL && indptr->shape[0] - 1 > UINT32_MAX)
		error = "more than 2^32 - 1 customers: divide them into shards";
	if (error == NULL)
		error = safetensors_need(format, "profile.indices", DTYPE_I32,
					 1, UINT64_MAX, 1, &indices);
	if (error == NULL)
		error = safetensors_need(format, "profile.values", DTYPE_F32, 1,
					 indices->shape[0], 1, &values);
	if (error == NULL)
		error = safetensors_need(format, "profile.raw", DTYPE_F32, 1,
					 indices->shape[0], 1, &raw);
	if (error != NULL)
		return error;
	matrix->n = indptr->shape[0] - 1;
	matrix->nnz = indices->shape[0];
	matrix->indptr = indptr->bytes;
	matrix->indices = indices->bytes;
	matrix->values = values->bytes;
	matrix->raw = raw->bytes;
	if (matrix->indptr[0] != 0 ||
	    matrix->indptr[matrix->n] != (int64_t)matrix->nnz)
		return "tensor profile.indptr does not span profile.indices";
	return NULL;
}

static const char *view_tags(struct csr_matrix *matrix,
			     const struct safetensors *format)
{
	const struct tensor *tenth, *weight, *tenths, *size;
	const char *error;

	error = text_array_view(&matrix->tags, format, "tags.offsets",
				"tags.bytes", UINT64_MAX);
	matrix->m = matrix->tags.count;
	if (error == NULL && matrix->m > INT32_MAX)
		error = "more than 2^31 - 1 tags";
	if (error == NULL)
		error = safetensors_need(format, "users.tenth", DTYPE_U8, 1,
					 matrix->n, 1, &tenth);
	if (error == NULL)
		error = safetensors_need(format, "tags.weight", DTYPE_F64, 1,
					 matrix->m, 1, &weight);
	if (error == NULL)
		error = safetensors_need(format, "tags.tenths", DTYPE_I64, 2,
					 matrix->m, TENTHS, &tenths);
	if (error == NULL)
		error = safetensors_need(format, "tenths", DTYPE_I64, 1, TENTHS,
					 1, &size);
	if (error != NULL)
		return error;
	matrix->tenth = tenth->bytes;
	matrix->weight = weight->bytes;
	matrix->tenths = tenths->bytes;
	matrix->tenth_size = size->bytes;
	return NULL;
}

const char *csr_matrix_view(struct csr_matrix *matrix,
			    const struct safetensors *format)
{
	const char *error;

	*matrix = (struct csr_matrix){
		.customer = option_or(format, "columns.customer", "customer"),
		.tag = option_or(format, "columns.tag", "tag"),
		.value = option_or(format, "columns.value", "value"),
	};
	error = view_rows(matrix, format);
	if (error == NULL)
		error = text_array_view(&matrix->users, format, "users.offsets",
					"users.bytes", matrix->n);
	if (error == NULL)
		error = view_tags(matrix, format);
	return error;
}

const char *text_array_at(const struct text_array *texts, size_t i,
			  size_t *length)
{
	int64_t begin = texts->offsets[i], end = texts->offsets[i + 1];

	*length = 0;
	if (begin < 0 || end < begin || end > texts->offsets[texts->count])
		return "";
	*length = (size_t)(end - begin);
	return (const char *)texts->bytes + begin;
}

const char *text_array_check(const struct text_array *texts, const char *what)
{
	const char *last = NULL;
	size_t last_length = 0;

	/* The first offset is 0 and the last the size of the bytes. */
	for (size_t i = 0; i < texts->count; i++)
		if (texts->offsets[i + 1] <= texts->offsets[i])
			return error_text("tensor %s.offsets is damaged: item "
					  "%zu is not above the one before it",
					  what, i + 1);
	for (size_t i = 0; i < texts->count; i++) {
		size_t length;
		const char *text = text_array_at(texts, i, &length);
		if (i > 0 &&
		    string_table_compare(last, last_length, text, length) >= 0)
			return error_text(
				"tensor %s.bytes is damaged: name %zu "
				"does not come after the one before it",
				what, i);
		last = text;
		last_length = length;
	}
	return NULL;
}

const char *csr_matrix_check_row(const struct csr_matrix *matrix, size_t row)
{
	int64_t begin = matrix->indptr[row], end = matrix->indptr[row + 1];
	int64_t last = -1;
	const char *wrong = NULL;

	if (begin < 0 || end < begin || end > (int64_t)matrix->nnz)
		wrong = "its bounds";
	for (int64_t i = begin; wrong == NULL && i < end; i++) {
		if (matrix->indices[i] <= last ||
		    matrix->indices[i] >= (int64_t)matrix->m)
			wrong = "its tags";
		else if (!isfinite(matrix->values[i]) ||
			 !isfinite(matrix->raw[i]))
			wrong = "a value that is not finite";
		else
			last = matrix->indices[i];
	}
	if (wrong == NULL)
		return NULL;
	size_t length;
	const char *name = text_array_at(&matrix->users, row, &length);
	return error_text("row %zu (customer %.*s) is damaged: %s", row,
			  (int)(length < 100 ? length : 100), name, wrong);
}

const char *csr_matrix_check_rows(const struct csr_matrix *matrix)
{
	const char *error = NULL;

	for (size_t row = 0; row < matrix->n && error == NULL; row++)
		error = csr_matrix_check_row(matrix, row);
	return error;
}

bool csr_matrix_has_weight(const struct csr_matrix *matrix, size_t row)
{
	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		if (matrix->values[i] != 0)
			return true;
	return false;
}

static struct string_slice slice_at(const void *context, size_t i)
{
	struct string_slice slice;

	slice.text = text_array_at(context, i, &slice.length);
	return slice;
}

size_t text_array_find(const struct text_array *texts, const char *text,
		       size_t length)
{
	return string_search(texts->count, slice_at, texts, text, length);
}

size_t text_array_find_shown(const struct text_array *texts, const char *text,
			     size_t length)
{
	size_t found = SIZE_MAX;

	if (percent_is_ambiguous(text, length)) {
		char *bytes = alloc_text(text, length);

		found = text_array_find(texts, bytes,
					percent_decode(bytes, length, true));
		free(bytes);
	}
	return found != SIZE_MAX ? found : text_array_find(texts, text, length);
}
