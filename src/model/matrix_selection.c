#include "model/matrix_selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"

/* Drop tags of too few customers and number the others by their names. */
static void select_tags(struct matrix_builder *builder)
{
	struct profile_store *profiles = &builder->profiles;
	size_t count = profiles->tags.count;
	/* A tag may have more customers in other shards. */
	size_t min_users =
		builder->options->tally ? 1 : builder->options->min_users;
	uint32_t *rank = alloc(count, sizeof *rank);

	string_table_rank(&profiles->tags, rank);
	builder->column = alloc(count, sizeof *builder->column);
	builder->column_tag = alloc(count, sizeof *builder->column_tag);
	for (size_t i = 0; i < count; i++)
		builder->column_tag[rank[i]] = (uint32_t)i;
	for (size_t i = 0; i < count; i++) {
		uint32_t tag = builder->column_tag[i];
		bool stays = profiles->tag_users[tag] >= min_users;
		builder->column[tag] = stays ? (int32_t)builder->m : -1;
		if (stays)
			builder->column_tag[builder->m++] = tag;
	}
	free(rank);
}

static int by_name(const void *a, const void *b, void *profiles)
{
	size_t x_length, y_length;
	const char *x =
		profile_store_name(profiles, *(const uint32_t *)a, &x_length);
	const char *y =
		profile_store_name(profiles, *(const uint32_t *)b, &y_length);

	return string_table_compare(x, x_length, y, y_length);
}

/* Whether the profiles are a shard of which the whole is not known yet, so that
 * nothing can be found missing in it. */
static bool is_part(const struct matrix_builder *builder)
{
	return builder->options->tally && builder->options->whole == NULL;
}

/* The prefixes of tags that are attributes. */
const struct tag_prefixes *
matrix_selection_attributes(const struct matrix_builder *builder)
{
	const struct matrix_options *options = builder->options;

	return options->fold_in ? &options->fold_in->attributes
				: &options->attributes;
}

/* Mark the columns that are attributes; every prefix of the options must be
 * that of some tag, and some tag must be none. */
static const char *mark_attributes(struct matrix_builder *builder)
{
	const struct tag_prefixes *prefixes =
		matrix_selection_attributes(builder);
	size_t used[TAG_PREFIXES_MAX_COUNT] = {0}, others = 0;

	builder->attribute = alloc(builder->m, sizeof *builder->attribute);
	for (size_t i = 0; i < builder->m; i++) {
		size_t length;
		const char *tag = matrix_builder_tag(builder, i, &length);
		size_t prefix = tag_prefixes_find(prefixes, tag, length);
		builder->attribute[i] = prefix != TAG_PREFIX_NONE;
		if (prefix == TAG_PREFIX_NONE)
			others++;
		else
			used[prefix]++;
	}
	for (size_t i = 0; builder->options->fold_in == NULL &&
			   !is_part(builder) && i < prefixes->count;
	     i++)
		if (used[i] == 0)
			return tag_prefixes_unused("--attributes",
						   prefixes->texts[i],
						   builder->options->min_users);
	return others > 0 || builder->m == 0 || is_part(builder)
		       ? NULL
		       : "--attributes: every tag is one, and there is nothing "
			 "left to compare";
}

/* How many of the entries just read are no attributes. */
size_t matrix_selection_compared(const struct matrix_builder *builder,
				 size_t count)
{
	size_t compared = 0;

	for (size_t i = 0; i < count; i++)
		compared += !builder->attribute[builder->entries[i].column];
	return compared;
}

/* Drop customers of too few tags and sort the others by their names. */
static const char *select_customers(struct matrix_builder *builder)
{
	struct profile_store *profiles = &builder->profiles;
	size_t min_tags = builder->options->min_tags;

	builder->n = profiles->n;
	/* Rows are numbered by 32 bits, here and in searches. */
	if (profiles->n > UINT32_MAX)
		return "more than 2^32 - 1 customers: divide them into shards "
		       "(cs-aggregate --shards)";
	if (profiles->in_order && min_tags == 0 &&
	    builder->options->fold_in == NULL)
		return NULL;
	builder->row = alloc(profiles->n, sizeof *builder->row);
	builder->n = 0;
	for (size_t row = 0; row < profiles->n; row++)
		if (matrix_selection_compared(builder,
					      matrix_rows_read(builder, row)) >=
		    min_tags)
			builder->row[builder->n++] = (uint32_t)row;
	if (!profiles->in_order)
		qsort_r(builder->row, builder->n, sizeof *builder->row, by_name,
			profiles);
	return NULL;
}

/* With fold_in: the columns are the model's; count the tags it lacks. */
static void match_tags(struct matrix_builder *builder)
{
	const struct profile_store *profiles = &builder->profiles;
	const struct text_array *tags =
		&builder->options->fold_in->model.matrix.tags;
	size_t count = profiles->tags.count;

	builder->m = tags->count;
	builder->column = alloc(count, sizeof *builder->column);
	for (size_t i = 0; i < count; i++) {
		size_t column = text_array_find(
			tags, string_table_text(&profiles->tags, i),
			string_table_length(&profiles->tags, i));
		builder->column[i] = column == SIZE_MAX ? -1 : (int32_t)column;
		if (column != SIZE_MAX)
			continue;
		if (builder->unknown_tags++ == 0)
			builder->first_unknown = i;
		builder->unknown_pairs += profiles->tag_users[i];
	}
}

/* With fold_in: drop the customers that have none of the model's tags. */
static void match_customers(struct matrix_builder *builder)
{
	size_t stay = 0;

	builder->unknown_row = alloc(builder->n, sizeof *builder->unknown_row);
	for (size_t i = 0; i < builder->n; i++) {
		uint32_t row = builder->row[i];
		if (matrix_selection_compared(
			    builder, matrix_rows_read(builder, row)) > 0)
			builder->row[stay++] = row;
		else
			builder->unknown_row[builder->unknown_rows++] = row;
	}
	builder->n = stay;
}

/* With whole: the columns are those of its tags; without --min-users it has all
 * tags. */
static const char *match_whole(struct matrix_builder *builder)
{
	const struct string_table *tags = &builder->profiles.tags;
	const struct tally *whole = builder->options->whole;

	builder->m = whole->m;
	builder->column = alloc(tags->count, sizeof *builder->column);
	for (size_t i = 0; i < tags->count; i++) {
		const char *tag = string_table_text(tags, i);
		size_t column =
			tally_find(whole, tag, string_table_length(tags, i));
		builder->column[i] = column == SIZE_MAX ? -1 : (int32_t)column;
		if (column == SIZE_MAX && builder->options->min_users == 1)
			return error_text("tag %.200s is not in the tally: the "
					  "profiles were not counted in it",
					  tag);
	}
	return NULL;
}

const char *matrix_selection_make(struct matrix_builder *builder)
{
	const struct matrix_options *options = builder->options;
	const char *error = NULL;

	if (options->fold_in != NULL) {
		match_tags(builder);
		error = mark_attributes(builder);
		if (error == NULL)
			error = select_customers(builder);
		if (error == NULL)
			match_customers(builder);
		return error;
	}
	if (options->whole != NULL)
		error = match_whole(builder);
	else
		select_tags(builder);
	if (error == NULL)
		error = mark_attributes(builder);
	if (error == NULL)
		error = select_customers(builder);
	if (options->whole != NULL || options->tally)
		return error;
	if (error == NULL && builder->m == 0)
		error = error_text("no tag has the %zu customers of "
				   "--min-users",
				   options->min_users);
	if (error == NULL && builder->n == 0)
		error = error_text("no customer has the %zu tags of --min-tags",
				   options->min_tags);
	return error;
}
