#include "explain/model_description.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/control_chars.h"
#include "base/number.h"
#include "search/full_verify.h"
#include "text/json_writer.h"

/* The recalls for which the number of cells to scan is stated. */
static const double recalls[] = {0.95, 0.99};
enum { RECALLS = sizeof recalls / sizeof *recalls };

const char *model_description_begin(struct model_description *description,
				    const struct model *model,
				    unsigned verify_threads)
{
	const char *error = NULL;

	*description = (struct model_description){
		.model = model, .verified = verify_threads > 0};
	if (verify_threads > 0)
		error = full_verify(model, &description->verification, true,
				    verify_threads);
	if (error == NULL && model->embedding != NULL &&
	    ivf_index_exists(model))
		error = ivf_index_view(&description->index, model);
	return error;
}

const char *model_description_measure(struct model_description *description)
{
	if (description->model->embedding == NULL)
		return NULL;
	return captured_distribution_find(&description->captured,
					  description->model);
}

/* ------------------------------------------------------------------- text */

/* A text out of the file, with no byte that could steer a terminal. */
static void put_plain(struct output *output, const char *plain)
{
	size_t length = strlen(plain);
	char *escaped = alloc(alloc_product(length, 4) + 1, 1);

	output_write(output, escaped,
		     control_chars_escape(escaped, plain, length));
	free(escaped);
}

static void put_count(struct output *output, const char *label, uint64_t count,
		      const char *column)
{
	char digits[NUMBER_TEXT];

	output_print(output, "%-11s%s (", label, number_commas(digits, count));
	put_plain(output, column);
	output_text(output, ")\n");
}

static void put_sizes(const struct model *model, struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;
	char digits[NUMBER_TEXT], id[17];
	double cells = (double)matrix->n * (double)matrix->m;

	model_id(model, id);
	output_print(output, "%-11s%s\n%-11s%s\n",
		     model->embedding ? "model" : "matrix", model->input.name,
		     "id", id);
	put_count(output, "customers", matrix->n, matrix->customer);
	put_count(output, "tags", matrix->m, matrix->tag);
	put_count(output, "pairs", matrix->nnz, matrix->value);
	if (cells > 0)
		output_print(output, "%-11s%.3g %% of all cells\n", "",
			     100 * (double)matrix->nnz / cells);
	output_print(output, "%-11s%s bytes\n", "size",
		     number_commas(digits, model->file.size));
}

static void put_options(const struct model *model, struct output *output)
{
	const char *key, *label = "options";
	json_t *value;

	json_object_foreach(model->file.metadata, key, value)
	{
		output_print(output, "%-11s", label);
		put_plain(output, key);
		output_text(output, " ");
		put_plain(output, json_string_value(value));
		output_text(output, "\n");
		label = "";
	}
}

static void put_triplets(const struct model *model, struct output *output)
{
	double sum = 0;

	output_print(output, "\n%7s %14s %9s %9s %9s\n", "triplet", "sigma",
		     "energy", "in all", "residual");
	for (size_t i = 0; i < model->k; i++) {
		double part = model_share(model, i);
		sum += part;
		output_print(output, "%7zu %14.8g %7.3f %% %7.3f %% %9.1e\n",
			     i + 1, model->sigma[i], 100 * part, 100 * sum,
			     model->residual[i]);
	}
}

static void put_captured(const struct captured_distribution *captured,
			 struct output *output)
{
	char low[NUMBER_TEXT], all[NUMBER_TEXT];
	char median[NUMBER_TEXT], tenth[NUMBER_TEXT];

	captured_percent(median, captured->median);
	captured_percent(tenth, captured->tenth);

	output_print(output,
		     "%-11sof a customer the dimensions hold %s %% (median; "
		     "tenth of them %s %% or less);\n%-11sunder %g %% of %s "
		     "of %s\n",
		     "captured", median, tenth, "", 100 * CAPTURED_LOW,
		     number_commas(low, captured->low),
		     number_commas(all, captured->customers));
}

static void put_decomposition(const struct model_description *description,
			      struct output *output)
{
	const struct model *model = description->model;
	double sum = 0;

	for (size_t i = 0; i < model->k; i++)
		sum += model_share(model, i);
	output_print(output,
		     "%-11s%zu dimensions hold %.2f %% of ||A||_F^2, which "
		     "is %.6g\n",
		     "energy", model->k, 100 * sum, model_norm_squared(model));
	output_print(output,
		     "%-11stwo customers picked at random have %.2f; "
		     "one pair in a hundred %.2f or more\n",
		     "similarity",
		     number_without_negative_zero(model->median_pair, 2),
		     number_without_negative_zero(model->top_pair, 2));
	put_captured(&description->captured, output);
}

static void put_index(const struct ivf_index *index, struct output *output)
{
	output_print(output, "%-11s%zu cells; of the ten nearest", "index",
		     index->cells);
	for (size_t i = 0; i < RECALLS; i++) {
		size_t probes = ivf_index_probes(index, recalls[i]);
		output_print(output, "%s %.3f are in the first %zu",
			     i ? "," : "", index->recall[2 * (probes - 1)],
			     probes);
	}
	output_text(output, "\n");
}

static void put_checked(const struct model_description *description,
			struct output *output)
{
	char n[NUMBER_TEXT], zero[NUMBER_TEXT];

	if (description->verified)
		output_print(
			output,
			"%-11severy byte: %zu checksums, %s customers "
			"(%s without signal)\n",
			"checked", description->verification.sums,
			number_commas(n, description->model->matrix.n),
			number_commas(zero,
				      description->verification.zero_rows));
	else
		output_print(output,
			     "%-11sheader and sizes; --check reads it all\n",
			     "checked");
}

void model_description_write_text(const struct model_description *description,
				  struct output *output)
{
	const struct model *model = description->model;

	put_sizes(model, output);
	if (model->embedding != NULL)
		put_decomposition(description, output);
	if (description->index.cells > 0)
		put_index(&description->index, output);
	put_checked(description, output);
	put_options(model, output);
	if (model->embedding != NULL)
		put_triplets(model, output);
}

/* ------------------------------------------------------------------- JSON */

/* A number with 17 digits that is marked as a real one: "3.0", "1e-5".  Readers
 * that tell integers from real numbers read all of them alike. */
static void put_real(struct json_writer *writer, const char *key, double value)
{
	char text[NUMBER_TEXT + 2];
	size_t length = number_write(text, value, 17);
	char *exponent;

	text[length] = '\0';
	if (strpbrk(text, ".e") == NULL)
		memcpy(text + length, ".0", 3);
	exponent = strchr(text, 'e');
	if (exponent != NULL) {
		char *to = exponent + 1 + (exponent[1] == '-');
		const char *digits = exponent + 2;
		while (*digits == '0')
			digits++;
		memmove(to, digits, strlen(digits) + 1);
	}
	json_put_number(writer, key, text);
}

static void put_json_sizes(struct json_writer *writer,
			   const struct model_description *description)
{
	const struct model *model = description->model;
	const struct csr_matrix *matrix = &model->matrix;
	char id[17];

	model_id(model, id);
	json_put_text(writer, "kind", model->embedding ? "model" : "matrix");
	json_put_text(writer, "id", id);
	json_put_count(writer, "customers", matrix->n);
	json_put_count(writer, "tags", matrix->m);
	json_put_count(writer, "pairs", matrix->nnz);
	json_put_object(writer, "columns");
	json_put_text(writer, "customer", matrix->customer);
	json_put_text(writer, "tag", matrix->tag);
	json_put_text(writer, "value", matrix->value);
	json_put_end(writer);
	if (description->verified)
		json_put_count(writer, "without_signal",
			       description->verification.zero_rows);
}

static void put_json_captured(struct json_writer *writer,
			      const struct captured_distribution *captured)
{
	json_put_object(writer, "captured");
	put_real(writer, "tenth", captured->tenth);
	put_real(writer, "median", captured->median);
	put_real(writer, "ninetieth", captured->ninetieth);
	json_put_count(writer, "under_one_percent", captured->low);
	json_put_end(writer);
}

static void put_json_decomposition(struct json_writer *writer,
				   const struct model_description *description)
{
	const struct model *model = description->model;
	double sum = 0;

	for (size_t i = 0; i < model->k; i++)
		sum += model_share(model, i);
	json_put_count(writer, "dimensions", model->k);
	json_put_object(writer, "energy");
	put_real(writer, "all", model_norm_squared(model));
	put_real(writer, "held", sum);
	json_put_end(writer);
	put_json_captured(writer, &description->captured);
	put_real(writer, "median_pair", model->median_pair);
	put_real(writer, "top_percent_pair", model->top_pair);
	json_put_array(writer, "triplets");
	for (size_t i = 0; i < model->k; i++) {
		json_put_object(writer, NULL);
		put_real(writer, "sigma", model->sigma[i]);
		put_real(writer, "energy", model_share(model, i));
		put_real(writer, "residual", model->residual[i]);
		json_put_end(writer);
	}
	json_put_end(writer);
}

static void put_json_index(struct json_writer *writer,
			   const struct ivf_index *index)
{
	json_put_object(writer, "index");
	json_put_count(writer, "cells", index->cells);
	json_put_array(writer, "recall");
	for (size_t i = 0; i < RECALLS; i++) {
		size_t probes = ivf_index_probes(index, recalls[i]);
		const double *recall = index->recall + 2 * (probes - 1);
		json_put_object(writer, NULL);
		put_real(writer, "wanted", recalls[i]);
		json_put_count(writer, "probes", probes);
		put_real(writer, "by_name", recall[0]);
		put_real(writer, "by_similarity", recall[1]);
		json_put_end(writer);
	}
	json_put_end(writer);
	json_put_end(writer);
}

static void put_json_options(struct json_writer *writer,
			     const struct safetensors *file)
{
	const char *key;
	json_t *value;

	json_put_object(writer, "options");
	json_object_foreach(file->metadata, key, value)
		json_put_text(writer, key, json_string_value(value));
	json_put_end(writer);
}

static void put_json_tensors(struct json_writer *writer,
			     const struct safetensors *file)
{
	json_put_array(writer, "tensors");
	for (size_t i = 0; i < file->count; i++) {
		const struct tensor *tensor = &file->tensors[i];
		json_put_object(writer, NULL);
		json_put_text(writer, "name", tensor->name);
		json_put_text(writer, "dtype", dtype_name(tensor->type));
		json_put_array(writer, "shape");
		for (unsigned j = 0; j < tensor->dims; j++)
			json_put_count(writer, NULL, tensor->shape[j]);
		json_put_end(writer);
		json_put_count(writer, "bytes", tensor->size);
		json_put_end(writer);
	}
	json_put_end(writer);
}

void model_description_write_json(const struct model_description *description,
				  struct output *output)
{
	const struct model *model = description->model;
	struct json_writer writer;

	json_writer_init(&writer, output, JSON_STYLE_INDENTED);
	json_put_object(&writer, NULL);
	put_json_sizes(&writer, description);
	if (model->embedding != NULL)
		put_json_decomposition(&writer, description);
	if (description->index.cells > 0)
		put_json_index(&writer, &description->index);
	put_json_options(&writer, &model->file);
	put_json_tensors(&writer, &model->file);
	json_put_end(&writer);
	output_text(output, "\n");
}
