#include "explain/neighbours_profiles.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/neighbours_tsv.h"
#include "text/percent.h"

/* ---------------------------------------------------------------- #profile */

/* Larger values first; equal ones by the tag's bytes, as their places are. */
static int compare_entries(const void *a, const void *b)
{
	const struct row_entry *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

char *neighbours_profiles_print_raw(char text[NUMBER_TEXT], float value)
{
	for (int digits = 6; digits <= 9; digits++) {
		number_write(text, (double)value, digits);
		if (strtof(text, NULL) == value)
			break;
	}
	return text;
}

void neighbours_profiles_sort_row(const struct csr_matrix *matrix, size_t begin,
				  size_t count, struct row_entry *order)
{
	for (size_t i = 0; i < count; i++)
		order[i] = (struct row_entry){(int32_t)i,
					      matrix->values[begin + i]};
	if (count > 1)
		qsort(order, count, sizeof *order, compare_entries);
}

const char *neighbours_profiles_check_row(const struct csr_matrix *matrix,
					  size_t row)
{
	const char *error = csr_matrix_check_row(matrix, row);

	if (error == NULL && matrix->tenth[row] >= TENTHS)
		error = error_text(
			"row %zu is damaged: tenth %u, expected 0 to 9", row,
			(unsigned)matrix->tenth[row]);
	return error;
}

void profile_writer_init(struct profile_writer *writer,
			 const struct model *model)
{
	*writer = (struct profile_writer){
		.model = model,
		.named = alloc(model->matrix.m, 1),
	};
}

void profile_writer_free(struct profile_writer *writer)
{
	free(writer->named);
	free(writer->tags);
	free(writer->order);
	*writer = (struct profile_writer){0};
}

static void add_tag(struct profile_writer *writer, int32_t tag)
{
	if (writer->named[tag])
		return;
	writer->named[tag] = 1;
	writer->tags = alloc_grow(writer->tags, &writer->room,
				  writer->count + 1, sizeof *writer->tags);
	writer->tags[writer->count++] = tag;
}

static void write_tag(struct output *output, const struct csr_matrix *matrix,
		      int32_t tag)
{
	size_t length;
	const char *text = text_array_at(&matrix->tags, (size_t)tag, &length);

	neighbours_write_packed(output, text, length);
}

/* The tags of a checked row, by falling value. */
static void write_values(struct profile_writer *writer, struct output *output,
			 const struct csr_matrix *matrix, size_t begin,
			 size_t count)
{
	char text[NUMBER_TEXT];

	writer->order = alloc_grow(writer->order, &writer->order_room, count,
				   sizeof *writer->order);
	neighbours_profiles_sort_row(matrix, begin, count, writer->order);
	for (size_t i = 0; i < count; i++) {
		size_t at = begin + (size_t)writer->order[i].place;

		if (i > 0)
			output_text(output, ";");
		write_tag(output, matrix, matrix->indices[at]);
		output_text(output, "=");
		output_text(output, neighbours_profiles_print_raw(
					    text, matrix->raw[at]));
		add_tag(writer, matrix->indices[at]);
	}
}

const char *profile_writer_write_profile(struct profile_writer *writer,
					 struct output *output,
					 const struct model *model, size_t row,
					 bool is_customer)
{
	const struct csr_matrix *matrix = &model->matrix;
	const char *error = neighbours_profiles_check_row(matrix, row);
	size_t length;
	const char *name = text_array_at(&matrix->users, row, &length);

	if (error != NULL)
		return error;
	output_text(output, "#profile\t");
	neighbours_write_packed(output, name, length);
	output_print(output, "\t%u\t",
		     is_customer ? (unsigned)matrix->tenth[row] : TENTHS);
	write_values(writer, output, matrix, (size_t)matrix->indptr[row],
		     (size_t)(matrix->indptr[row + 1] - matrix->indptr[row]));
	output_text(output, "\n");
	return NULL;
}

const char *neighbours_profiles_read_profile(const struct tsv_reader *table,
					     bool is_query,
					     struct profile_line *line)
{
	const struct tsv_field *fields = table->fields;
	int64_t tenth;

	if (table->count != 4 ||
	    !number_integer(fields[2].text, 0, is_query ? TENTHS : TENTHS - 1,
			    &tenth))
		return "#profile: expected a customer, a tenth from 0 to 9, "
		       "and tags";
	*line = (struct profile_line){
		.name = fields[1].text,
		.tenth = (unsigned)tenth,
		.values = *fields[3].text ? fields[3].text : NULL,
	};
	percent_decode(line->name, fields[1].length, false);
	return NULL;
}

const char *neighbours_profiles_next_value(char **rest, char **tag,
					   double *value)
{
	char *text;

	*tag = strsep(rest, ";");
	if (*tag == NULL)
		return NULL;
	text = *tag + strcspn(*tag, "=");
	if (*text == '\0' || !number_real(text + 1, value) ||
	    fabs(*value) > (double)FLT_MAX)
		return error_text("#profile: \"%s\": expected tag=number",
				  *tag);
	*text = '\0';
	percent_decode(*tag, strlen(*tag), false);
	return NULL;
}

/* -------------------------------------------------------------------- #tag */

static int compare_tags(const void *a, const void *b)
{
	const int32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

const char *neighbours_profiles_count_tag(const struct csr_matrix *matrix,
					  size_t tag, struct tag_counts *counts)
{
	*counts = (struct tag_counts){0};
	for (size_t t = 0; t < TENTHS; t++) {
		int64_t count = matrix->tenths[tag * TENTHS + t];

		if (count < 0 || (uint64_t)count > matrix->n)
			return error_text("tensor tags.tenths is damaged: row "
					  "%zu",
					  tag);
		counts->tenths[t] = count;
		counts->customers += count;
	}
	return NULL;
}

const char *profile_writer_write_tags(struct profile_writer *writer,
				      struct output *output)
{
	const struct csr_matrix *matrix = &writer->model->matrix;

	if (writer->count > 1)
		qsort(writer->tags, writer->count, sizeof *writer->tags,
		      compare_tags);
	for (size_t i = 0; i < writer->count; i++) {
		int32_t tag = writer->tags[i];
		struct tag_counts counts;
		const char *error = neighbours_profiles_count_tag(
			matrix, (size_t)tag, &counts);

		if (error != NULL)
			return error;
		writer->named[tag] = 0;
		output_text(output, "#tag\t");
		write_tag(output, matrix, tag);
		output_print(output, "\t%lld\t%zu\t",
			     (long long)counts.customers, matrix->n);
		neighbours_metadata_write_tenths(output, counts.tenths);
		output_text(output, "\n");
	}
	writer->count = 0;
	return NULL;
}

/* Whether the tenths add up to the customers, and none has more than there are
 * customers in it. */
static bool adds_up(const struct tag_counts *counts,
		    const struct model_metadata *metadata)
{
	int64_t left = counts->customers;

	for (size_t t = 0; t < TENTHS; t++) {
		if (counts->tenths[t] > left ||
		    counts->tenths[t] > metadata->tenths[t])
			return false;
		left -= counts->tenths[t];
	}
	return left == 0;
}

const char *neighbours_profiles_read_tag(const struct tsv_reader *table,
					 const struct model_metadata *metadata,
					 struct tag_line *line)
{
	const struct tsv_field *fields = table->fields;
	struct tag_counts *counts = &line->counts;
	int64_t customers;

	if (table->count != 5 ||
	    !number_integer(fields[2].text, 0, INT64_MAX, &counts->customers) ||
	    !number_integer(fields[3].text, 0, INT64_MAX, &customers) ||
	    !neighbours_metadata_read_tenths(fields[4].text, counts->tenths))
		return "#tag: expected a tag, two counts, and ten with "
		       "commas between";
	line->name = fields[1].text;
	percent_decode(line->name, fields[1].length, false);
	if (!adds_up(counts, metadata) || customers != metadata->customers)
		return error_text("#tag: the counts of %s do not go together, "
				  "or not with those of #model",
				  line->name);
	return NULL;
}
