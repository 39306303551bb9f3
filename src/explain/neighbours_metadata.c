#include "explain/neighbours_metadata.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/neighbours_tsv.h"
#include "explain/tag_levels.h"
#include "text/percent.h"

void neighbours_metadata_write_tenths(struct output *output,
				      const int64_t tenths[TENTHS])
{
	for (size_t t = 0; t < TENTHS; t++)
		output_print(output, "%s%lld", t ? "," : "",
			     (long long)tenths[t]);
}

bool neighbours_metadata_read_tenths(char *list, int64_t tenths[TENTHS])
{
	for (size_t t = 0; t < TENTHS; t++) {
		char *item = strsep(&list, ",");

		if (item == NULL ||
		    !number_integer(item, 0, INT64_MAX, &tenths[t]))
			return false;
	}
	return list == NULL;
}

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
	{"hub", KEY_COUNT, offsetof(struct model_metadata, hub), true},
	{"scale", KEY_TEXT, offsetof(struct model_metadata, scale), true},
	{"levels", KEY_TEXT, offsetof(struct model_metadata, levels), true},
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
	{"tied", KEY_COUNT, offsetof(struct model_metadata, tied), true},
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
	metadata->hub = query->hub;
	metadata->candidates = (int64_t)query->candidates;
	metadata->tied = (int64_t)query->tied;
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

	model_id(model, id);
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
		.levels = tag_levels_of_model(&model->file),
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
		neighbours_metadata_write_tenths(output, value);
		break;
	}
}

void neighbours_metadata_write_model(struct output *output,
				     const struct model_metadata *metadata)
{
	output_text(output, "#model\t");
	for (size_t i = 0; i < KEYS; i++) {
		const void *value = (const char *)metadata + keys[i].offset;

		/* Most models have none. */
		if (keys[i].offset == offsetof(struct model_metadata, levels) &&
		    (metadata->levels == NULL || *metadata->levels == '\0'))
			continue;
		output_print(output, "%s%s=", i ? ";" : "", keys[i].name);
		write_value(output, keys[i].type, value);
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
		return neighbours_metadata_read_tenths(text, value);
	}
	return false;
}

/* Read "key=value" and set the bit in *found of its key; an unknown one, which
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
