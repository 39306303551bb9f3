#include "serve/model_reply.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "explain/neighbours_tsv.h"
#include "text/json_writer.h"

static void put_quantiles(struct json_writer *writer,
			  const struct served_model *served)
{
	json_put_array(writer, "pair_quantiles");
	for (size_t i = 0; i < SERVED_MODEL_QUANTILES; i++) {
		json_put_array(writer, NULL);
		json_put_real(writer, NULL, served_model_shares[i], 6);
		json_put_fixed(writer, NULL,
			       served->quantiles[served->metric][i], 5);
		json_put_end(writer);
	}
	json_put_end(writer);
}

/* How much of its customers the dimensions hold. */
static void put_captured(struct json_writer *writer,
			 const struct captured_distribution *captured)
{
	json_put_object(writer, "captured");
	json_put_real(writer, "tenth", captured->tenth, 4);
	json_put_real(writer, "median", captured->median, 4);
	json_put_real(writer, "ninetieth", captured->ninetieth, 4);
	json_put_count(writer, "under_one_percent", captured->low);
	json_put_end(writer);
}

void model_reply_write(struct output *body, const struct served_model *served)
{
	const struct model *model = served->model;
	const struct csr_matrix *matrix = &model->matrix;
	struct query_metadata metadata = {0};
	struct json_writer writer;

	served_model_describe(served, served->metric, served->alpha, &metadata);
	json_writer_init(&writer, body, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	json_put_text(&writer, "id", served->id);
	json_put_text(&writer, "date", served->made);
	json_put_count(&writer, "customers", matrix->n);
	json_put_count(&writer, "without_signal", served->zero_vectors);
	json_put_count(&writer, "tags", matrix->m);
	json_put_count(&writer, "dimensions", model->k);
	put_captured(&writer, &served->captured);
	json_put_text(&writer, "metric", metadata.metric);
	json_put_real(&writer, "median_pair", metadata.median_pair,
		      NEIGHBOURS_SIMILARITY_DIGITS);
	json_put_real(&writer, "top_percent_pair", metadata.top_pair,
		      NEIGHBOURS_SIMILARITY_DIGITS);
	put_quantiles(&writer, served);
	json_put_object(&writer, "columns");
	json_put_text(&writer, "customer", matrix->customer);
	json_put_text(&writer, "tag", matrix->tag);
	json_put_text(&writer, "value", matrix->value);
	json_put_end(&writer);
	json_put_text(&writer, "kind",
		      safetensors_option(&model->file, "matrix.value"));
	json_put_end(&writer);
	output_text(body, "\n");
}

/* The list of GET /customers as it is written. */
struct listing {
	struct json_writer writer;
	const struct served_model *served;
	const struct display_names *labels;
	size_t skip; /* customers still to be passed over */
	size_t count, limit;
	bool more; /* one was left out */
};

static size_t count_tags(const struct csr_matrix *matrix, size_t row)
{
	size_t count = 0;

	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		count += matrix->raw[i] > 0;
	return count;
}

void model_reply_put_customer(struct json_writer *writer,
			      const struct served_model *served,
			      const struct display_names *labels, size_t row)
{
	const struct csr_matrix *matrix = &served->model->matrix;
	size_t length;
	const char *id = text_array_at(&matrix->users, row, &length);

	json_put_object(writer, NULL);
	json_put_string(writer, "customer", id, length);
	json_put_text(writer, "name",
		      display_names_find(&labels->customers, id, length));
	json_put_count(writer, "tags", count_tags(matrix, row));
	json_put_end(writer);
}

/* Write a customer, or note that there are more than wanted. */
static void put_customer(struct listing *listing, size_t row)
{
	if (listing->skip > 0) {
		listing->skip--;
		return;
	}
	listing->more = listing->count == listing->limit;
	if (listing->more)
		return;
	listing->count++;
	model_reply_put_customer(&listing->writer, listing->served,
				 listing->labels, row);
}

/* The first row whose name is not below the text. */
static size_t first_from(const struct text_array *users, const char *text,
			 size_t length)
{
	size_t low = 0, high = users->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2, size;
		const char *name = text_array_at(users, middle, &size);

		if (string_table_compare(name, size, text, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool begins(const struct text_array *users, size_t row,
		   const char *prefix, size_t length)
{
	size_t size;
	const char *name = text_array_at(users, row, &size);

	return size >= length && memcmp(name, prefix, length) == 0;
}

/* The first label that is not below the prefix, case aside. */
static size_t first_label(const struct served_model *served, const char *prefix,
			  size_t length)
{
	size_t low = 0, high = served->labelled_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strncasecmp(served->labelled[middle].label, prefix,
				length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void model_reply_customers(struct output *body,
			   const struct served_model *served,
			   const struct display_names *labels,
			   const char *prefix, size_t length, size_t skip,
			   size_t limit)
{
	const struct text_array *users = &served->model->matrix.users;
	struct listing listing = {.served = served,
				  .labels = labels,
				  .skip = skip,
				  .limit = limit};
	char next[NUMBER_TEXT];

	json_writer_init(&listing.writer, body, JSON_STYLE_SPACED);
	json_put_object(&listing.writer, NULL);
	json_put_array(&listing.writer, "customers");
	for (size_t row = first_from(users, prefix, length);
	     row < users->count && !listing.more &&
	     begins(users, row, prefix, length);
	     row++)
		put_customer(&listing, row);
	for (size_t i = first_label(served, prefix, length);
	     length > 0 && i < served->labelled_count && !listing.more &&
	     strncasecmp(served->labelled[i].label, prefix, length) == 0;
	     i++)
		if (!begins(users, served->labelled[i].row, prefix, length))
			put_customer(&listing, served->labelled[i].row);
	json_put_end(&listing.writer);
	json_put_bool(&listing.writer, "more", listing.more);
	snprintf(next, sizeof next, "%zu", skip + listing.count);
	json_put_text(&listing.writer, "next", listing.more ? next : NULL);
	json_put_end(&listing.writer);
	output_text(body, "\n");
}
