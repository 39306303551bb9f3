#include "model/matrix_builder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"

static size_t profile_row(const struct matrix_builder *builder, size_t i)
{
	return builder->row ? builder->row[i] : i;
}

/* Set builder->entries to the pairs of a row of profiles whose tags stay. */
static size_t read_row(struct matrix_builder *builder, size_t row)
{
	size_t pairs, count = 0;
	const struct stored_pair *pair =
		profile_store_row(&builder->profiles, row, &pairs);
	bool ascending = true;
	int32_t last = -1;

	builder->entries =
		alloc_grow(builder->entries, &builder->entry_capacity, pairs,
			   sizeof *builder->entries);
	for (size_t i = 0; i < pairs; i++) {
		int32_t column = builder->column[pair[i].tag];
		if (column < 0)
			continue;
		builder->entries[count++] = (struct matrix_entry){
			column,
			profile_store_raw(&builder->profiles, &pair[i])};
		ascending = ascending && column > last;
		last = column;
	}
	/* They ascend but for several files and for names with escapes. */
	if (!ascending)
		matrix_entry_sort(builder->entries, count);
	return count;
}

const struct matrix_entry *matrix_builder_row(struct matrix_builder *builder,
					      size_t i, size_t *count)
{
	*count = read_row(builder, profile_row(builder, i));
	return builder->entries;
}

const double *matrix_builder_values(struct matrix_builder *builder,
				    size_t count)
{
	builder->values = alloc_grow(builder->values, &builder->value_capacity,
				     count, sizeof *builder->values);
	weighting_row(builder->options->damp, builder->options->norm,
		      builder->weight, builder->entries, count,
		      builder->values);
	return builder->values;
}

const char *matrix_builder_customer(struct matrix_builder *builder, size_t i,
				    size_t *length)
{
	return profile_store_name(&builder->profiles, profile_row(builder, i),
				  length);
}

const char *matrix_builder_tag(struct matrix_builder *builder, size_t column,
			       size_t *length)
{
	const struct string_table *tags = &builder->profiles.tags;

	if (builder->options->fold_in != NULL)
		return text_array_at(
			&builder->options->fold_in->model.matrix.tags, column,
			length);
	if (builder->options->whole != NULL) {
		*length = builder->options->whole->tags[column].length;
		return builder->options->whole->tags[column].text;
	}
	*length = string_table_length(tags, builder->column_tag[column]);
	return string_table_text(tags, builder->column_tag[column]);
}

size_t matrix_builder_file(const struct matrix_builder *builder, size_t column)
{
	if (builder->options->whole != NULL)
		return (size_t)builder->options->whole->file[column];
	return builder->profiles.tag_file[builder->column_tag[column]];
}

/* ------------------------------------------------- what stays in the matrix */

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
static const struct tag_prefixes *
attributes_of(const struct matrix_builder *builder)
{
	const struct matrix_options *options = builder->options;

	return options->fold_in ? &options->fold_in->attributes
				: &options->attributes;
}

/* Mark the columns that are attributes; every prefix of the options must be
 * that of some tag, and some tag must be none. */
static const char *mark_attributes(struct matrix_builder *builder)
{
	const struct tag_prefixes *prefixes = attributes_of(builder);
	size_t used[TAG_PREFIXES_MOST] = {0}, others = 0;

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
			return error_text("--attributes %s: no tag begins so",
					  prefixes->texts[i]);
	return others > 0 || builder->m == 0 || is_part(builder)
		       ? NULL
		       : "--attributes: every tag is one, and there is nothing "
			 "left to compare";
}

/* How many of the entries just read are no attributes. */
static size_t count_compared(const struct matrix_builder *builder, size_t count)
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
	if (profiles->in_order && min_tags == 0 &&
	    builder->options->fold_in == NULL)
		return NULL;
	if (profiles->n > UINT32_MAX)
		return "more than 2^32 - 1 customers to choose from";
	builder->row = alloc(profiles->n, sizeof *builder->row);
	builder->n = 0;
	for (size_t row = 0; row < profiles->n; row++)
		if (count_compared(builder, read_row(builder, row)) >= min_tags)
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
		if (count_compared(builder, read_row(builder, row)) > 0)
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

static const char *select_rows_and_columns(struct matrix_builder *builder)
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

/* -------------------------------------------------------- tenths and weights
 */

/* Count the customers of each tag and the tags of each customer. */
static const char *count_pairs(struct matrix_builder *builder)
{
	tempfile_begin(&builder->tag_counts, builder->options->memory / 16);
	tag_tally_begin(&builder->counts, builder->m,
			builder->files > 1 ||
				builder->options->blocks.count > 0);
	for (size_t i = 0; i < builder->n; i++) {
		uint32_t tags = 0;
		size_t count;
		const struct matrix_entry *entries =
			matrix_builder_row(builder, i, &count);
		for (size_t j = 0; j < count; j++)
			tags += entries[j].raw > 0 &&
				!builder->attribute[entries[j].column];
		tag_tally_add(&builder->counts, entries, count, tags,
			      builder->options->damp);
		builder->bare +=
			count > 0 && count_compared(builder, count) == 0;
		tempfile_add(&builder->tag_counts, &tags, sizeof tags);
	}
	builder->nnz = builder->counts.pairs;
	return builder->nnz > 0 || builder->options->whole != NULL ||
			       builder->options->tally
		       ? NULL
		       : "--min-users leaves no customer a tag: a matrix "
			 "without entries cannot be made";
}

/* The counts of all customers. */
static const struct tag_tally *
counts_of_all(const struct matrix_builder *builder)
{
	const struct tally *whole = builder->options->whole;

	return whole != NULL ? &whole->counts : &builder->counts;
}

static void weight_columns(struct matrix_builder *builder)
{
	const struct tag_tally *counts = counts_of_all(builder);

	builder->weight = alloc(builder->m, sizeof *builder->weight);
	for (size_t i = 0; i < builder->m; i++)
		builder->weight[i] =
			builder->attribute[i]
				? 0
				: weighting_column(builder->options->weight,
						   counts->customers,
						   counts->users[i]);
}

/* Divide the customers into tenths by their number of tags, and count those of
 * each tag by tenth. */
static const char *set_tenths(struct matrix_builder *builder)
{
	const uint32_t *tags = tempfile_bytes(&builder->tag_counts);
	struct tag_tally *counts = &builder->counts;
	const struct tag_tally *all = counts_of_all(builder);

	if (all == counts)
		tag_tally_rank(counts);
	tempfile_begin(&builder->tenth, builder->options->memory / 16);
	for (size_t i = 0; i < builder->n; i++) {
		size_t count, length;
		const char *name = matrix_builder_customer(builder, i, &length);
		unsigned char tenth =
			tag_tally_tenth(all, tags[i], name, length);
		if (tenth == TENTHS)
			return error_text("customer %.*s was not counted in "
					  "the tally",
					  (int)(length < 200 ? length : 200),
					  name);
		const struct matrix_entry *entries =
			matrix_builder_row(builder, i, &count);
		tag_tally_add_tenth(counts, entries, count, tenth);
		tempfile_add(&builder->tenth, &tenth, 1);
	}
	return NULL;
}

/* A matrix of a shard has the tenths of the whole. */
static void take_tenths(struct matrix_builder *builder)
{
	const struct tag_tally *all = counts_of_all(builder);
	struct tag_tally *counts = &builder->counts;

	memcpy(counts->tenths, all->tenths,
	       builder->m * TENTHS * sizeof *counts->tenths);
	memcpy(counts->tenth_size, all->tenth_size, sizeof counts->tenth_size);
}

/* Divide the columns into blocks: by the files they are of, or by what their
 * tags begin with; the last block has the tags that begin with no prefix. */
static const char *divide_blocks(struct matrix_builder *builder)
{
	const struct tag_prefixes *prefixes = &builder->options->blocks;
	size_t used[TAG_PREFIXES_MOST] = {0};

	builder->blocks =
		prefixes->count > 0 ? prefixes->count + 1 : builder->files;
	if (builder->blocks == 1)
		return NULL;
	builder->block = alloc(builder->m, sizeof *builder->block);
	for (size_t i = 0; i < builder->m; i++) {
		size_t length, block;
		const char *tag = matrix_builder_tag(builder, i, &length);

		if (prefixes->count == 0) {
			builder->block[i] =
				(uint32_t)matrix_builder_file(builder, i);
			continue;
		}
		block = tag_prefixes_find(prefixes, tag, length);
		if (block == TAG_PREFIX_NONE)
			block = prefixes->count;
		else
			used[block]++;
		builder->block[i] = (uint32_t)block;
	}
	for (size_t i = 0; i < prefixes->count; i++)
		if (used[i] == 0)
			return error_text("--block %s: no tag begins so",
					  prefixes->texts[i]);
	return NULL;
}

/* The Frobenius norm that a block is to have. */
static double block_norm(const struct matrix_options *options, size_t block)
{
	if (options->blocks.count > 0)
		return block < options->blocks.count
			       ? sqrt(options->block_shares[block])
			       : 1;
	return options->weights ? options->weights[block] : 1;
}

/* Scale the weights of each block's columns so that the block has the norm that
 * it is to have.  The sums are in the order of the columns, so they depend on
 * the counts alone. */
static void scale_blocks(struct matrix_builder *builder)
{
	double *squares = alloc(builder->blocks, sizeof *squares);
	double *weight = builder->weight;

	for (size_t i = 0; i < builder->m; i++)
		squares[builder->block[i]] +=
			weight[i] * weight[i] *
			exact_sum_value(&counts_of_all(builder)->squares[i]);
	for (size_t i = 0; i < builder->m; i++) {
		size_t block = builder->block[i];
		if (squares[block] > 0)
			weight[i] *= block_norm(builder->options, block) /
				     sqrt(squares[block]);
	}
	free(squares);
}

/* With fold_in: the weights and the tenths are the model's. */
static void take_weights(struct matrix_builder *builder)
{
	const struct fold_in *fold_in = builder->options->fold_in;
	const struct csr_matrix *matrix = &fold_in->model.matrix;
	size_t weights = builder->m * sizeof *builder->weight;
	size_t tenths = builder->m * TENTHS * sizeof *matrix->tenths;
	const uint32_t *tags = tempfile_bytes(&builder->tag_counts);

	builder->weight = memcpy(alloc(1, weights), matrix->weight, weights);
	memcpy(builder->counts.tenths, matrix->tenths, tenths);
	memcpy(builder->counts.tenth_size, matrix->tenth_size,
	       sizeof builder->counts.tenth_size);
	tempfile_begin(&builder->tenth, builder->options->memory / 16);
	for (size_t i = 0; i < builder->n; i++) {
		unsigned char tenth = fold_in_tenth(fold_in, tags[i]);
		tempfile_add(&builder->tenth, &tenth, 1);
	}
}

static const char *weight(struct matrix_builder *builder)
{
	const struct matrix_options *options = builder->options;
	const char *error = count_pairs(builder);

	if (error != NULL)
		return error;
	if (options->fold_in != NULL) {
		take_weights(builder);
		return NULL;
	}
	if (options->tally && builder->stage < TALLY_TENTHS)
		return NULL;
	weight_columns(builder);
	error = divide_blocks(builder);
	if (error != NULL)
		return error;
	if (builder->block != NULL)
		scale_blocks(builder);
	error = set_tenths(builder);
	if (error == NULL && options->whole != NULL && !options->tally)
		take_tenths(builder);
	return error;
}

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
		whole != NULL ? whole->value : options->value,
		attributes_of(builder), options->memory / 4 * 3, part);
	if (error == NULL && whole != NULL)
		builder->profiles.repeated = whole->repeated;
	if (error == NULL)
		error = select_rows_and_columns(builder);
	if (error == NULL && options->tally && builder->stage == TALLY_TAGS)
		count_tags(builder);
	else if (error == NULL && (part || builder->n > 0))
		error = weight(builder);
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
