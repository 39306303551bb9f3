#include "explain/neighbours_metadata.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/neighbours_tsv.h"
#include "text/percent.h"

/* k1,...,k10 */
static void write_tenths(struct output *output, const int64_t *tenths)
{
	for (size_t t = 0; t < TENTHS; t++)
		output_print(output, "%s%lld", t ? "," : "",
			     (long long)tenths[t]);
}

/* Ten numbers with commas between, none below zero. */
static bool read_tenths(char *list, int64_t *tenths)
{
	for (size_t t = 0; t < TENTHS; t++) {
		char *item = strsep(&list, ",");

		if (item == NULL ||
		    !number_integer(item, 0, INT64_MAX, &tenths[t]))
			return false;
	}
	return list == NULL;
}

/* ------------------------------------------------------------------ #model */

enum key_type {
	KEY_TEXT,
	KEY_COUNT,
	KEY_COUNT_OR_NONE, /* -1: none */
	KEY_REAL,
	KEY_REAL_OR_NONE, /* NAN, an empty text: none */
	KEY_TENTHS
};

/* The keys in the order in which they are written. */
static const struct metadata_key {
	const char *name;
	enum key_type type;
	size_t offset; /* in struct model_metadata */
	bool optional; /* may be missing where it is read */
} keys[] = {
#define KEY(name, type)                                                        \
	{                                                                      \
#name, type, offsetof(struct model_metadata, name), 0          \
	}
	KEY(id, KEY_TEXT),
	KEY(customers, KEY_COUNT),
	KEY(without_signal, KEY_COUNT),
	KEY(tags, KEY_COUNT),
	KEY(dimensions, KEY_COUNT),
	KEY(metric, KEY_TEXT),
	{"alpha", KEY_REAL_OR_NONE, offsetof(struct model_metadata, alpha),
	 true},
	KEY(median_pair, KEY_REAL),
	KEY(top_percent_pair, KEY_REAL),
	{"captured", KEY_REAL_OR_NONE,
	 offsetof(struct model_metadata, captured), true},
	{"scale", KEY_TEXT, offsetof(struct model_metadata, scale), true},
	KEY(customer, KEY_TEXT),
	KEY(tag, KEY_TEXT),
	KEY(value, KEY_TEXT),
	KEY(kind, KEY_TEXT),
	KEY(tenths, KEY_TENTHS),
	{"asked", KEY_COUNT, offsetof(struct model_metadata, limit), false},
	KEY(candidates, KEY_COUNT),
	KEY(matching, KEY_COUNT_OR_NONE),
	KEY(min_similarity, KEY_REAL_OR_NONE),
	KEY(among, KEY_TEXT),
#undef KEY
};

enum { KEYS = sizeof keys / sizeof *keys };

static char *copy(const char *text)
{
	return alloc_text(text, text ? strlen(text) : 0);
}

void model_metadata_set_query(struct model_metadata *metadata,
			      const struct query_metadata *query)
{
	bool all =
		query->looked_at == 0 || query->candidates <= query->looked_at;
	bool filtered = query->min_similarity != NULL;

	metadata->without_signal = (int64_t)query->without_signal;
	metadata->limit = (int64_t)query->limit;
	metadata->candidates = (int64_t)query->candidates;
	metadata->matching = filtered && all ? (int64_t)query->matching : -1;
	metadata->min_similarity = filtered ? *query->min_similarity : NAN;
	metadata->captured =
		isnan(query->captured)
			? NAN
			: neighbours_round_similarity(query->captured);
}

void model_metadata_init(struct model_metadata *metadata,
			 const struct model *model,
			 const struct query_metadata *query)
{
	const struct csr_matrix *matrix = &model->matrix;
	char id[17];

	safetensors_id(&model->file, id);
	*metadata = (struct model_metadata){
		.id = copy(id),
		.metric = copy(query->metric),
		.alpha = strcmp(query->metric, "combined") == 0 ? query->alpha
								: NAN,
		.scale = copy(scale_words[model->scale]),
		.customer = copy(matrix->customer),
		.tag = copy(matrix->tag),
		.value = copy(matrix->value),
		.kind = copy(safetensors_option(&model->file, "matrix.value")),
		.among = copy(query->among),
		.customers = (int64_t)matrix->n,
		.tags = (int64_t)matrix->m,
		.dimensions = (int64_t)model->k,
		.median_pair = neighbours_round_similarity(query->median_pair),
		.top_percent_pair =
			neighbours_round_similarity(query->top_pair),
	};
	for (size_t t = 0; t < TENTHS; t++)
		metadata->tenths[t] = matrix->tenth_size[t];
	model_metadata_set_query(metadata, query);
}

void model_metadata_free(struct model_metadata *metadata)
{
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].type == KEY_TEXT)
			free(*(char **)((char *)metadata + keys[i].offset));
	*metadata = (struct model_metadata){0};
}

static void write_value(struct output *output, enum key_type type,
			const void *value)
{
	char text[NUMBER_TEXT];

	switch (type) {
	case KEY_TEXT:
		neighbours_write_packed(output, *(char *const *)value,
					strlen(*(char *const *)value));
		break;
	case KEY_COUNT:
	case KEY_COUNT_OR_NONE:
		output_print(output, "%lld",
			     (long long)*(const int64_t *)value);
		break;
	case KEY_REAL:
	case KEY_REAL_OR_NONE:
		if (type == KEY_REAL_OR_NONE && isnan(*(const double *)value))
			break;
		number_write(text, *(const double *)value,
			     NEIGHBOURS_SIMILARITY_DIGITS);
		output_text(output, text);
		break;
	case KEY_TENTHS:
		write_tenths(output, value);
		break;
	}
}

void neighbours_metadata_write_model(struct output *output,
				     const struct model_metadata *metadata)
{
	output_text(output, "#model\t");
	for (size_t i = 0; i < KEYS; i++) {
		output_print(output, "%s%s=", i ? ";" : "", keys[i].name);
		write_value(output, keys[i].type,
			    (const char *)metadata + keys[i].offset);
	}
	output_text(output, "\n");
}

/* Set what the key stands for; false where the value is not of its type. */
static bool read_value(char *text, enum key_type type, void *value)
{
	switch (type) {
	case KEY_TEXT:
		*(char **)value = copy(text);
		return true;
	case KEY_COUNT:
		return number_integer(text, 0, INT64_MAX, value);
	case KEY_COUNT_OR_NONE:
		return number_integer(text, -1, INT64_MAX, value);
	case KEY_REAL_OR_NONE:
		if (*text == '\0') {
			*(double *)value = NAN;
			return true;
		}
		return neighbours_read_number(text, value);
	case KEY_REAL:
		return neighbours_read_number(text, value);
	case KEY_TENTHS:
		return read_tenths(text, value);
	}
	return false;
}

/* Read "key=value" and note in *found which key it was; an unknown one, which
 * a later cs-knn may add, is passed over. */
static const char *read_key(struct model_metadata *metadata, char *pair,
			    unsigned *found)
{
	char *value = pair + strcspn(pair, "=");
	size_t i = 0;

	if (*value == '\0')
		return error_text("#model: \"%s\": expected key=value", pair);
	*value++ = '\0';
	while (i < KEYS && strcmp(keys[i].name, pair) != 0)
		i++;
	if (i == KEYS)
		return NULL;
	percent_decode(value, strlen(value), false);
	if (*found & 1u << i)
		return error_text("#model: the key %s again", pair);
	*found |= 1u << i;
	if (!read_value(value, keys[i].type, (char *)metadata + keys[i].offset))
		return error_text("#model: %s: \"%s\": expected %s", pair,
				  value,
				  keys[i].type == KEY_TENTHS
					  ? "ten counts with commas between"
					  : "a number");
	return NULL;
}

const char *neighbours_metadata_read_model(char *text,
					   struct model_metadata *metadata)
{
	const char *error = NULL;
	unsigned found = 0;

	metadata->captured = NAN; /* unless it is said */
	for (char *pair; error == NULL && (pair = strsep(&text, ";")) != NULL;)
		error = read_key(metadata, pair, &found);
	for (size_t i = 0; i < KEYS && error == NULL; i++)
		if (!(found & 1u << i) && !keys[i].optional)
			error = error_text("#model: the key %s is missing",
					   keys[i].name);
	return error;
}

/* ---------------------------------------------------------------- #profile */

/* Larger values first; equal ones by the tag's bytes, as their places are. */
static int compare_entries(const void *a, const void *b)
{
	const struct row_entry *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

char *neighbours_metadata_print_raw(char text[NUMBER_TEXT], float value)
{
	for (int digits = 6; digits <= 9; digits++) {
		number_write(text, (double)value, digits);
		if (strtof(text, NULL) == value)
			break;
	}
	return text;
}

void neighbours_metadata_sort_row(const struct csr_matrix *matrix, size_t begin,
				  size_t count, struct row_entry *order)
{
	for (size_t i = 0; i < count; i++)
		order[i] = (struct row_entry){(int32_t)i,
					      matrix->values[begin + i]};
	if (count > 1)
		qsort(order, count, sizeof *order, compare_entries);
}

const char *neighbours_metadata_check_row(const struct csr_matrix *matrix,
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
	neighbours_metadata_sort_row(matrix, begin, count, writer->order);
	for (size_t i = 0; i < count; i++) {
		size_t at = begin + (size_t)writer->order[i].place;

		if (i > 0)
			output_text(output, ";");
		write_tag(output, matrix, matrix->indices[at]);
		output_text(output, "=");
		output_text(output, neighbours_metadata_print_raw(
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
	const char *error = neighbours_metadata_check_row(matrix, row);
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

const char *neighbours_metadata_read_profile(const struct tsv_reader *table,
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

const char *neighbours_metadata_next_value(char **rest, char **tag,
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

const char *neighbours_metadata_count_tag(const struct csr_matrix *matrix,
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
		const char *error = neighbours_metadata_count_tag(
			matrix, (size_t)tag, &counts);

		if (error != NULL)
			return error;
		writer->named[tag] = 0;
		output_text(output, "#tag\t");
		write_tag(output, matrix, tag);
		output_print(output, "\t%lld\t%zu\t",
			     (long long)counts.customers, matrix->n);
		write_tenths(output, counts.tenths);
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

const char *neighbours_metadata_read_tag(const struct tsv_reader *table,
					 const struct model_metadata *metadata,
					 struct tag_line *line)
{
	const struct tsv_field *fields = table->fields;
	struct tag_counts *counts = &line->counts;
	int64_t customers;

	if (table->count != 5 ||
	    !number_integer(fields[2].text, 0, INT64_MAX, &counts->customers) ||
	    !number_integer(fields[3].text, 0, INT64_MAX, &customers) ||
	    !read_tenths(fields[4].text, counts->tenths))
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
