#include "serve/tag_reply.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "serve/group_tags.h"
#include "serve/tag_facts.h"
#include "text/json_writer.h"

enum {
	TOP = 20,  /* customers with the largest values */
	WITH = 20, /* tags that go with it */
	DIGITS = 9
};

struct holder {
	size_t row;
	float value;
};

/* The value of the tag in a row, whose indices ascend; 0 where it lacks it. */
static float value_in(const struct csr_matrix *matrix, size_t row, size_t tag)
{
	int64_t low = matrix->indptr[row], high = matrix->indptr[row + 1];

	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		if ((size_t)matrix->indices[middle] < tag)
			low = middle + 1;
		else
			high = middle;
	}
	return low < matrix->indptr[row + 1] &&
			       (size_t)matrix->indices[low] == tag
		       ? matrix->raw[low]
		       : 0;
}

/* Falling value, then by row. */
static int by_value(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static void put_holders(struct json_writer *writer,
			const struct served_model *served,
			const struct display_names *labels,
			const struct holder *holders, size_t count)
{
	json_put_array(writer, "top");
	for (size_t i = 0; i < count && i < TOP; i++) {
		size_t length;
		const char *id = text_array_at(&served->model->matrix.users,
					       holders[i].row, &length);

		json_put_object(writer, NULL);
		json_put_string(writer, "customer", id, length);
		display_names_put(&labels->customers, id, length, writer);
		json_put_real(writer, "value", (double)holders[i].value,
			      DIGITS);
		json_put_end(writer);
	}
	json_put_end(writer);
}

/* How many customers of each tenth by number of tags have the tag. */
static void put_tenths(struct json_writer *writer,
		       const struct csr_matrix *matrix, size_t tag)
{
	json_put_array(writer, "tenths");
	for (size_t tenth = 0; tenth < TENTHS; tenth++)
		json_put_integer(writer, NULL,
				 matrix->tenths[tag * TENTHS + tenth]);
	json_put_end(writer);
}

bool tag_reply_write(struct output *body, const struct served_model *served,
		     const struct display_names *labels, const char *id,
		     size_t length)
{
	const struct csr_matrix *matrix = &served->model->matrix;
	size_t tag = text_array_find_shown(&matrix->tags, id, length),
	       count = 0;
	struct json_writer writer;
	struct holder *holders;
	uint64_t *bits;

	if (tag == SIZE_MAX)
		return false;
	holders = alloc((size_t)served->facts.customers[tag], sizeof *holders);
	bits = bitset_new(matrix->n);
	for (size_t row = 0; row < matrix->n; row++) {
		float value = value_in(matrix, row, tag);

		if (value <= 0)
			continue;
		bitset_set(bits, row);
		holders[count++] = (struct holder){row, value};
	}
	qsort(holders, count, sizeof *holders, by_value);
	json_writer_init(&writer, body, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	tag_facts_put_name(&writer, matrix, labels, tag);
	json_put_count(&writer, "customers", count);
	json_put_count(&writer, "of", matrix->n);
	json_put_real(&writer, "value", tag_facts_sum(&served->facts, tag),
		      DIGITS);
	put_tenths(&writer, matrix, tag);
	put_holders(&writer, served, labels, holders, count);
	group_tags_put(&writer, "with", served, labels, bits, tag, WITH);
	json_put_end(&writer);
	output_text(body, "\n");
	free(bits);
	free(holders);
	return true;
}
