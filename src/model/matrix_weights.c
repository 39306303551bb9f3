#include "model/matrix_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "model/matrix_selection.h"

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
		builder->bare += count > 0 &&
				 matrix_selection_compared(builder, count) == 0;
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
static void copy_tenths_of_whole(struct matrix_builder *builder)
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
	size_t used[TAG_PREFIXES_MAX_COUNT] = {0};

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
			return tag_prefixes_unused("--block",
						   prefixes->texts[i],
						   builder->options->min_users);
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
static void copy_weights_of_model(struct matrix_builder *builder)
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

const char *matrix_weights_make(struct matrix_builder *builder)
{
	const struct matrix_options *options = builder->options;
	const char *error = count_pairs(builder);

	if (error != NULL)
		return error;
	if (options->fold_in != NULL) {
		copy_weights_of_model(builder);
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
		copy_tenths_of_whole(builder);
	return error;
}
