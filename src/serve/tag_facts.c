#include "serve/tag_facts.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Digits of means and sums. */
enum { DIGITS = 9 };

static int by_customers(const void *a, const void *b, void *context)
{
	const struct tag_facts *facts = context;
	size_t i = *(const size_t *)a, j = *(const size_t *)b;
	int64_t x = facts->customers[i], y = facts->customers[j];

	if (x != y)
		return x > y ? -1 : 1;
	return (i > j) - (i < j);
}

void tag_facts_begin(struct tag_facts *facts, const struct csr_matrix *matrix)
{
	size_t m = matrix->m;

	facts->customers = alloc(m, sizeof *facts->customers);
	facts->sums = alloc(alloc_product(m, TENTHS), sizeof *facts->sums);
	facts->by_customers = alloc(m, sizeof *facts->by_customers);
	for (size_t row = 0; row < matrix->n; row++)
		for (int64_t i = matrix->indptr[row];
		     i < matrix->indptr[row + 1]; i++) {
			size_t tag = (size_t)matrix->indices[i];

			facts->customers[tag] += matrix->raw[i] > 0;
			facts->sums[tag * TENTHS + matrix->tenth[row]] +=
				(double)matrix->raw[i];
		}
	for (size_t tag = 0; tag < m; tag++)
		facts->by_customers[tag] = tag;
	qsort_r(facts->by_customers, m, sizeof *facts->by_customers,
		by_customers, facts);
}

void tag_facts_end(struct tag_facts *facts)
{
	free(facts->customers);
	free(facts->sums);
	free(facts->by_customers);
	*facts = (struct tag_facts){0};
}

double tag_facts_sum(const struct tag_facts *facts, size_t tag)
{
	double sum = 0;

	for (size_t tenth = 0; tenth < TENTHS; tenth++)
		sum += facts->sums[tag * TENTHS + tenth];
	return sum;
}

void tag_facts_put_name(struct json_writer *writer,
			const struct csr_matrix *matrix,
			const struct display_names *labels, size_t tag)
{
	size_t length;
	const char *id = text_array_at(&matrix->tags, tag, &length);

	json_put_string(writer, "tag", id, length);
	display_names_put(&labels->tags, id, length, writer);
}

void tag_facts_put(struct json_writer *writer, const struct tag_facts *facts,
		   const struct csr_matrix *matrix,
		   const struct display_names *labels, size_t tag)
{
	json_put_object(writer, NULL);
	tag_facts_put_name(writer, matrix, labels, tag);
	json_put_integer(writer, "customers", facts->customers[tag]);
	json_put_real(writer, "value", tag_facts_sum(facts, tag), DIGITS);
	json_put_end(writer);
}

void tag_facts_put_as_active(struct json_writer *writer,
			     const struct tag_facts *facts,
			     const struct csr_matrix *matrix, size_t row)
{
	size_t tenth = matrix->tenth[row];
	double size = (double)matrix->tenth_size[tenth];

	json_put_object(writer, "as_active");
	json_put_integer(writer, "customers", matrix->tenth_size[tenth]);
	json_put_array(writer, "tags");
	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1];
	     i++) {
		size_t tag = (size_t)matrix->indices[i], length;
		const char *id = text_array_at(&matrix->tags, tag, &length);
		size_t cell = tag * TENTHS + tenth;

		json_put_object(writer, NULL);
		json_put_string(writer, "tag", id, length);
		json_put_integer(writer, "customers", matrix->tenths[cell]);
		json_put_real(writer, "mean", facts->sums[cell] / size, DIGITS);
		json_put_end(writer);
	}
	json_put_end(writer);
	json_put_end(writer);
}
