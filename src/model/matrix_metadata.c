#include "model/matrix_metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"
#include "model/safetensors_writer.h"

/* More files are not open side by side. */
enum { MAX_FILES = 4096 };

void matrix_metadata_set(json_t *metadata, const struct matrix_options *options,
			 enum value value, size_t files)
{
	char key[64];

	metadata_set(metadata, "matrix.value", "%s", value_words[value]);
	metadata_set(metadata, "matrix.damp", "%s", damp_words[options->damp]);
	metadata_set(metadata, "matrix.weight", "%s",
		     weight_words[options->weight]);
	metadata_set(metadata, "matrix.norm", "%s", norm_words[options->norm]);
	metadata_set(metadata, "matrix.min-users", "%zu", options->min_users);
	metadata_set(metadata, "matrix.min-tags", "%zu", options->min_tags);
	metadata_set(metadata, "matrix.files", "%zu", files);
	for (size_t i = 0; i < options->attributes.count; i++) {
		snprintf(key, sizeof key, "matrix.attributes.%zu", i + 1);
		metadata_set(metadata, key, "%s", options->attributes.texts[i]);
	}
	for (size_t i = 0; i < options->blocks.count; i++) {
		snprintf(key, sizeof key, "matrix.block.%zu", i + 1);
		metadata_set(metadata, key, "%s", options->blocks.texts[i]);
		snprintf(key, sizeof key, "matrix.share.%zu", i + 1);
		metadata_set(metadata, key, "%.17g", options->block_shares[i]);
	}
	for (size_t i = 0; files > 1 && i < files; i++) {
		snprintf(key, sizeof key, "matrix.weights.%zu", i + 1);
		metadata_set(metadata, key, "%.17g",
			     options->weights ? options->weights[i] : 1);
	}
}

static const char *unknown(const char *key)
{
	return error_text("its metadata have no %s that is known", key);
}

static const char *read_number(const struct safetensors *file, const char *key,
			       int64_t low, int64_t high, size_t *number)
{
	const char *found = safetensors_option(file, key);
	int64_t value = 0;

	if (found == NULL || !number_integer(found, low, high, &value))
		return unknown(key);
	*number = (size_t)value;
	return NULL;
}

/* A weight or a share. */
static const char *read_weight(const struct safetensors *file, const char *key,
			       double *weight)
{
	const char *found = safetensors_option(file, key);

	if (found == NULL || !number_real(found, weight) ||
	    *weight < MATRIX_MIN_WEIGHT || *weight > MATRIX_MAX_WEIGHT)
		return unknown(key);
	return NULL;
}

static const char *read_weights(const struct safetensors *file, size_t files,
				double *weights)
{
	const char *error = NULL;
	char key[64];

	for (size_t i = 0; files > 1 && i < files && error == NULL; i++) {
		snprintf(key, sizeof key, "matrix.weights.%zu", i + 1);
		error = read_weight(file, key, &weights[i]);
	}
	return error;
}

static const char *read_blocks(const struct safetensors *file,
			       struct matrix_options *options)
{
	const char *error = NULL;
	char key[64];

	tag_prefixes_of_model(&options->blocks, "matrix.block", file);
	for (size_t i = 0; i < options->blocks.count && error == NULL; i++) {
		snprintf(key, sizeof key, "matrix.share.%zu", i + 1);
		error = read_weight(file, key, &options->block_shares[i]);
	}
	return error;
}

const char *matrix_metadata_read(const struct safetensors *file,
				 struct matrix_options *options,
				 double **weights, size_t *files)
{
	int weight = 0;
	const char *error = weighting_read(file, &options->value,
					   &options->damp, &options->norm);

	if (error == NULL)
		error = safetensors_word(file, "matrix.weight", weight_words,
					 &weight);
	if (error == NULL)
		error = read_number(file, "matrix.min-users", 1, INT64_MAX,
				    &options->min_users);
	if (error == NULL)
		error = read_number(file, "matrix.min-tags", 0, INT64_MAX,
				    &options->min_tags);
	if (error == NULL)
		error = read_number(file, "matrix.files", 1, MAX_FILES, files);
	if (error != NULL)
		return error;
	options->weight = (enum weight)weight;
	tag_prefixes_of_model(&options->attributes, TAG_PREFIXES_ATTRIBUTES,
			      file);
	*weights = alloc(*files, sizeof **weights);
	options->weights = *weights;
	error = read_blocks(file, options);
	return error != NULL ? error : read_weights(file, *files, *weights);
}
