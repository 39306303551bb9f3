#include "explain/neighbours_metadata.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/neighbours_tsv.h"
#include "base/number.h"

void neighbours_metadata_begin(struct neighbours_metadata *notes,
			       const struct model *model)
{
	*notes = (struct neighbours_metadata){
		.model = model,
		.named = alloc(model->matrix.m, 1),
	};
}

void neighbours_metadata_end(struct neighbours_metadata *notes)
{
	free(notes->named);
	free(notes->tags);
	free(notes->places);
	*notes = (struct neighbours_metadata){0};
}

/* ------------------------------------------------------------------ #model */

static void put_text(struct output *output, const char *key, const char *text)
{
	output_print(output, ";%s=", key);
	neighbours_write_packed(output, text, strlen(text));
}

static void put_count(struct output *output, const char *key, size_t count)
{
	output_print(output, ";%s=%zu", key, count);
}

static void put_real(struct output *output, const char *key, double value)
{
	char text[NUMBER_TEXT];

	number_write(text, value, 9);
	output_print(output, ";%s=%s", key, text);
}

/* k1,...,k10 */
static void put_tenths(struct output *output, const int64_t *tenths)
{
	for (size_t t = 0; t < TENTHS; t++)
		output_print(output, "%s%lld", t ? "," : "",
			     (long long)tenths[t]);
}

static void put_query(struct output *output, const struct query_metadata *note)
{
	put_count(output, "asked", note->asked);
	put_count(output, "candidates", note->candidates);
	bool all = note->looked_at == 0 || note->candidates <= note->looked_at;

	if (note->min_similarity != NULL && all)
		put_count(output, "matching", note->matching);
	else
		output_text(output, ";matching=-1");
	if (note->min_similarity != NULL)
		put_real(output, "min_similarity", *note->min_similarity);
	else
		output_text(output, ";min_similarity=");
	put_text(output, "among", note->among ? note->among : "");
}

void neighbours_metadata_model(const struct neighbours_metadata *notes,
			       struct output *output,
			       const struct query_metadata *note)
{
	const struct model *model = notes->model;
	const struct csr_matrix *matrix = &model->matrix;
	const char *kind = safetensors_option(&model->file, "matrix.value");
	char id[17];

	safetensors_id(&model->file, id);
	output_print(output, "#model\tid=%s", id);
	put_count(output, "customers", matrix->n);
	put_count(output, "without_signal", note->without_signal);
	put_count(output, "tags", matrix->m);
	put_count(output, "dimensions", model->k);
	put_text(output, "metric", note->metric);
	put_real(output, "median_pair", model->median_pair);
	put_real(output, "top_percent_pair", model->top_pair);
	put_text(output, "scale", scale_words[model->scale]);
	put_text(output, "customer", matrix->customer);
	put_text(output, "tag", matrix->tag);
	put_text(output, "value", matrix->value);
	put_text(output, "kind", kind ? kind : "");
	output_text(output, ";tenths=");
	put_tenths(output, matrix->tenth_size);
	put_query(output, note);
	output_text(output, "\n");
}

/* ---------------------------------------------------------------- #profile */

/* Larger values first; equal ones by the tag's bytes, as their places are. */
static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

char *neighbours_metadata_raw(char text[NUMBER_TEXT], float value)
{
	for (int digits = 6; digits <= 9; digits++) {
		number_write(text, (double)value, digits);
		if (strtof(text, NULL) == value)
			break;
	}
	return text;
}

void neighbours_metadata_order(const struct csr_matrix *matrix, size_t begin,
			       size_t count, struct place *places)
{
	for (size_t i = 0; i < count; i++)
		places[i] =
			(struct place){(int32_t)i, matrix->values[begin + i]};
	if (count > 1)
		qsort(places, count, sizeof *places, compare_places);
}

static void name_tag(struct neighbours_metadata *notes, int32_t tag)
{
	if (notes->named[tag])
		return;
	notes->named[tag] = 1;
	notes->tags = alloc_grow(notes->tags, &notes->room, notes->count + 1,
				 sizeof *notes->tags);
	notes->tags[notes->count++] = tag;
}

static void put_tag(struct output *output, const struct csr_matrix *matrix,
		    int32_t tag)
{
	size_t length;
	const char *text = text_array_at(&matrix->tags, (size_t)tag, &length);

	neighbours_write_packed(output, text, length);
}

/* The tags of a checked row, by falling value. */
static void put_tags(struct neighbours_metadata *notes, struct output *output,
		     const struct csr_matrix *matrix, size_t begin,
		     size_t count)
{
	char text[NUMBER_TEXT];

	notes->places = alloc_grow(notes->places, &notes->place_room, count,
				   sizeof *notes->places);
	neighbours_metadata_order(matrix, begin, count, notes->places);
	for (size_t i = 0; i < count; i++) {
		size_t at = begin + (size_t)notes->places[i].at;

		if (i > 0)
			output_text(output, ";");
		put_tag(output, matrix, matrix->indices[at]);
		output_text(output, "=");
		output_text(output,
			    neighbours_metadata_raw(text, matrix->raw[at]));
		name_tag(notes, matrix->indices[at]);
	}
}

const char *neighbours_metadata_profile(struct neighbours_metadata *notes,
					struct output *output,
					const struct model *model, size_t row)
{
	const struct csr_matrix *matrix = &model->matrix;
	const char *error = csr_matrix_check_row(matrix, row);
	size_t length;
	const char *name = text_array_at(&matrix->users, row, &length);

	if (error == NULL && matrix->tenth[row] >= TENTHS)
		error = error_text(
			"row %zu is damaged: tenth %u, expected 0 to "
			"9",
			row, (unsigned)matrix->tenth[row]);
	if (error != NULL)
		return error;
	output_text(output, "#profile\t");
	neighbours_write_packed(output, name, length);
	output_print(output, "\t%u\t",
		     model == notes->model ? (unsigned)matrix->tenth[row]
					   : TENTHS);
	put_tags(notes, output, matrix, (size_t)matrix->indptr[row],
		 (size_t)(matrix->indptr[row + 1] - matrix->indptr[row]));
	output_text(output, "\n");
	return NULL;
}

/* -------------------------------------------------------------------- #tag */

static int compare_tags(const void *a, const void *b)
{
	const int32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

const char *neighbours_metadata_users(const struct csr_matrix *matrix,
				      size_t tag, int64_t *users)
{
	*users = 0;
	for (size_t t = 0; t < TENTHS; t++) {
		int64_t count = matrix->tenths[tag * TENTHS + t];

		if (count < 0 || (uint64_t)count > matrix->n)
			return error_text("tensor tags.tenths is damaged: row "
					  "%zu",
					  tag);
		*users += count;
	}
	return NULL;
}

const char *neighbours_metadata_tags(struct neighbours_metadata *notes,
				     struct output *output)
{
	const struct csr_matrix *matrix = &notes->model->matrix;

	if (notes->count > 1)
		qsort(notes->tags, notes->count, sizeof *notes->tags,
		      compare_tags);
	for (size_t i = 0; i < notes->count; i++) {
		int32_t tag = notes->tags[i];
		int64_t users;
		const char *error =
			neighbours_metadata_users(matrix, (size_t)tag, &users);

		if (error != NULL)
			return error;
		notes->named[tag] = 0;
		output_text(output, "#tag\t");
		put_tag(output, matrix, tag);
		output_print(output, "\t%lld\t%zu\t", (long long)users,
			     matrix->n);
		put_tenths(output, matrix->tenths + (size_t)tag * TENTHS);
		output_text(output, "\n");
	}
	notes->count = 0;
	return NULL;
}
