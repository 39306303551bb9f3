#include "model/matrix_builder.h"

#include <stdlib.h>

#include "model/matrix_selection.h"
#include "model/matrix_weights.h"

/* Of the first round: the customers of each tag. */
static void count_tags(struct matrix_builder *builder)
{
	tag_tally_begin(&builder->counts, builder->m, false);
	for (size_t i = 0; i < builder->m; i++)
		builder->counts.users[i] =
			builder->profiles.tag_users[builder->column_tag[i]];
}

/* The counts of the next round. */
static enum tally_stage next_stage(const struct matrix_options *options)
{
	if (options->whole != NULL)
		return options->whole->stage + 1;
	return options->value == VALUE_AUTO || options->min_users > 1
		       ? TALLY_TAGS
		       : TALLY_COUNTS;
}

const char *matrix_builder_build(struct matrix_builder *builder,
				 const struct matrix_options *options,
				 char **paths, size_t count)
{
	const char *error;
	const struct tally *whole = options->whole;
	bool part = whole != NULL || options->tally;

	*builder = (struct matrix_builder){.options = options,
					   .files = count > 0 ? count : 1,
					   .stage = next_stage(options)};
	error = profile_store_read(
		&builder->profiles, paths, count,
		&(struct profile_store_options){
			.value = whole != NULL ? whole->value : options->value,
			.attributes = matrix_selection_attributes(builder),
			.memory = options->memory / 4 * 3,
			.may_be_empty = part,
			.threads = matrix_rows_threads(builder)});
	if (error == NULL && whole != NULL)
		builder->profiles.repeated = whole->repeated;
	if (error == NULL)
		error = matrix_selection_make(builder);
	if (error == NULL && options->tally && builder->stage == TALLY_TAGS)
		count_tags(builder);
	else if (error == NULL && (part || builder->n > 0))
		error = matrix_weights_make(builder);
	return error;
}

void matrix_builder_free(struct matrix_builder *builder)
{
	profile_store_free(&builder->profiles);
	tempfile_end(&builder->tag_counts);
	tempfile_end(&builder->tenth);
	free(builder->row);
	free(builder->unknown_row);
	free(builder->attribute);
	free(builder->block);
	free(builder->column);
	free(builder->column_tag);
	free(builder->weight);
	tag_tally_free(&builder->counts);
	free(builder->entries);
	free(builder->values);
	*builder = (struct matrix_builder){0};
}
