#include "explain/summary_builder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "explain/enrichment.h"
#include "explain/neighbours_tsv.h"

void summary_builder_begin(struct summary_builder *builder,
			   const struct sharded_model *shards,
			   const struct contributions *contributions)
{
	*builder = (struct summary_builder){
		.shards = shards,
		.index = alloc(shards->whole.matrix.m, sizeof(size_t)),
	};
	top_contributions_begin(&builder->top, shards, contributions);
}

void summary_builder_end(struct summary_builder *builder)
{
	top_contributions_end(&builder->top);
	free(builder->index);
	free(builder->columns);
	free(builder->order);
	*builder = (struct summary_builder){0};
}

/* -------------------------------------------------------------------- tags */

/* The index in the summary of a column of the model, or of what centring
 * contributes, which has the empty name. */
static size_t add_column(struct summary_builder *builder, struct summary *s,
			 size_t column)
{
	bool is_tag = column != CONTRIBUTIONS_CENTER;
	size_t length = 0, tag, before = s->tags.count;
	const char *name = "";

	if (is_tag && builder->index[column] > 0)
		return builder->index[column] - 1;
	if (is_tag)
		name = text_array_at(&builder->shards->whole.matrix.tags,
				     column, &length);
	tag = summary_add_tag(s, name, length);
	builder->columns = alloc_grow(builder->columns, &builder->column_room,
				      tag + 1, sizeof *builder->columns);
	if (is_tag)
		builder->index[column] = tag + 1;
	/* A column with the empty name is to be forgotten, too. */
	if (is_tag || tag == before)
		builder->columns[tag] = column;
	return tag;
}

/* Forget the tags of the summary, in as many steps as it has. */
static void forget_tags(struct summary_builder *builder,
			const struct summary *s)
{
	for (size_t tag = 0; tag < s->tags.count; tag++)
		if (builder->columns[tag] != CONTRIBUTIONS_CENTER)
			builder->index[builder->columns[tag]] = 0;
}

/* ---------------------------------------------------------------- profiles */

/* The value as its printed text reads.  No two decimals of up to six digits
 * round to one float, so one that does is the text; and the quotient of two
 * integers that doubles hold is the double nearest to it. */
static double round_raw(float value)
{
	static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
		double digits = rint((double)value * powers[i]);

		if (fabs(digits) >= 1e6)
			break;
		if ((float)(digits / powers[i]) == value)
			return digits / powers[i];
	}
	return strtod(neighbours_profiles_print_raw(text, value), NULL);
}

/* Set the values of the last profile: the query's by falling weight; of the
 * others the order means nothing. */
static const char *set_values(struct summary_builder *builder,
			      struct summary *s,
			      const struct csr_matrix *matrix, size_t row)
{
	struct summary_profile *profile = &s->profiles[s->profile_count - 1];
	size_t begin = (size_t)matrix->indptr[row];
	size_t count = (size_t)matrix->indptr[row + 1] - begin;
	const char *error = NULL;

	builder->order = alloc_grow(builder->order, &builder->order_room, count,
				    sizeof *builder->order);
	if (s->profile_count == 1)
		neighbours_profiles_sort_row(matrix, begin, count,
					     builder->order);
	else
		for (size_t i = 0; i < count; i++)
			builder->order[i].place = (int32_t)i;
	profile->values = alloc(count, sizeof *profile->values);
	profile->room = count;
	for (size_t i = 0; i < count && error == NULL; i++) {
		size_t at = begin + (size_t)builder->order[i].place;
		size_t column = (size_t)matrix->indices[at];
		size_t tag = add_column(builder, s, column);
		struct summary_tag *facts = &s->tag_facts[tag];

		profile->values[profile->count++] = (struct profile_value){
			.tag = tag, .value = round_raw(matrix->raw[at])};
		facts->last_profile = s->profile_count;
		if (!facts->counted)
			error = neighbours_profiles_count_tag(
				&builder->shards->whole.matrix, column,
				&facts->counts);
		facts->counted = true;
	}
	return error;
}

/* Add the profile of a row of the queries, or of a neighbour. */
static const char *add_profile(struct summary_builder *builder,
			       struct summary *s, const struct model *model,
			       size_t row)
{
	bool is_customer = model == &builder->shards->whole;
	const char *error, *name = "";
	unsigned tenth = TENTHS;
	size_t length = 0;

	model = sharded_model_resolve(builder->shards, model, &row);
	error = neighbours_profiles_check_row(&model->matrix, row);
	if (error != NULL)
		return error;
	if (is_customer) {
		name = text_array_at(&model->matrix.users, row, &length);
		tenth = model->matrix.tenth[row];
	}
	summary_add_profile(s, alloc_text(name, length), tenth);
	return set_values(builder, s, &model->matrix, row);
}

static const char *add_profiles(struct summary_builder *builder,
				struct summary *s,
				const struct search_query *query,
				const struct search_result *result)
{
	const char *error = NULL;

	for (size_t i = 0; i < result->count && error == NULL; i++)
		if (result->hits[i].row != query->self)
			error = add_profile(builder, s, &builder->shards->whole,
					    result->hits[i].row);
	return error;
}

/* -------------------------------------------------------------- neighbours */

static const char *add_neighbour(struct summary_builder *builder,
				 struct summary *s, struct hit hit)
{
	struct reason reasons[TOP_CONTRIBUTIONS];
	struct neighbour line = {.reasons = reasons};
	const char *error = top_contributions_hit(&builder->top, hit, &line);
	struct summary_neighbour *neighbour;

	if (error != NULL)
		return error;
	neighbours_round(&line);
	neighbour = summary_add_neighbour(
		s, alloc_text(line.name, line.length),
		neighbours_round_similarity(line.similarity));
	strcpy(neighbour->other, line.other);
	for (size_t i = 0; i < line.reason_count; i++)
		summary_add_contribution(
			neighbour, add_column(builder, s, reasons[i].column),
			neighbours_round_contribution(reasons[i].contribution));
	return NULL;
}

/* Add a neighbour without contributions. */
static const char *add_name(struct summary_builder *builder, struct summary *s,
			    struct hit hit)
{
	struct neighbour line = {0};
	const char *error = top_contributions_name(&builder->top, hit, &line);

	if (error == NULL)
		summary_add_neighbour(
			s, alloc_text(line.name, line.length),
			neighbours_round_similarity(line.similarity));
	return error;
}

static const char *add_neighbours(struct summary_builder *builder,
				  struct summary *s,
				  const struct model *query_model,
				  const struct search_query *query,
				  const struct search_result *result)
{
	const char *error =
		top_contributions_query(&builder->top, query_model, query->row);

	for (size_t i = 0; i < result->count && error == NULL; i++)
		error = add_neighbour(builder, s, result->hits[i]);
	return error;
}

/* ----------------------------------------------------------------- queries */

/* result may be NULL. */
static void begin(struct summary_builder *builder,
		  const struct query_metadata *metadata,
		  const struct search_result *result,
		  const struct model *query_model, size_t row,
		  struct summary *s)
{
	const struct model *whole = &builder->shards->whole;
	struct query_metadata query = *metadata;
	size_t length = 0;
	const char *name = "";

	query.captured =
		sharded_model_captured(builder->shards, query_model, row);
	if (result != NULL) {
		query.candidates = result->candidates;
		query.matching = result->matching;
		query.tied = result->tied;
	}
	*s = (struct summary){0};
	model_metadata_init(&s->metadata, whole, &query);
	summary_set_levels(s);
	if (query_model == whole)
		name = text_array_at(&whole->matrix.users, row, &length);
	s->query = alloc_text(name, length);
}

/* Free what was made where there is an error; else returns NULL. */
static const char *end(struct summary_builder *builder, const char *error,
		       struct summary *s)
{
	forget_tags(builder, s);
	if (error != NULL)
		summary_free(s);
	return error;
}

const char *summary_builder_alone(struct summary_builder *builder,
				  const struct query_metadata *metadata,
				  const struct model *query_model, size_t row,
				  struct summary *summary)
{
	const char *error;

	begin(builder, metadata, NULL, query_model, row, summary);
	error = add_profile(builder, summary, query_model, row);
	if (error == NULL)
		error = enrichment_test(summary);
	return end(builder, error, summary);
}

/* Begin the summary of a query with its neighbours. */
static const char *begin_neighbours(struct summary_builder *builder,
				    const struct query_metadata *metadata,
				    const struct model *query_model,
				    const struct search_query *query,
				    const struct search_result *result,
				    struct summary *summary)
{
	begin(builder, metadata, result, query_model, query->row, summary);
	return result->count > 0 ? add_neighbours(builder, summary, query_model,
						  query, result)
				 : NULL;
}

const char *summary_builder_query(struct summary_builder *builder,
				  const struct query_metadata *metadata,
				  const struct model *query_model,
				  const struct search_query *query,
				  const struct search_result *result,
				  struct summary *summary)
{
	const char *error = begin_neighbours(builder, metadata, query_model,
					     query, result, summary);

	if (error == NULL)
		error = add_profile(builder, summary, query_model, query->row);
	if (error == NULL)
		error = add_profiles(builder, summary, query, result);
	if (error == NULL)
		error = enrichment_test(summary);
	return end(builder, error, summary);
}

const char *summary_builder_list(struct summary_builder *builder,
				 const struct query_metadata *metadata,
				 const struct model *query_model,
				 const struct search_query *query,
				 const struct search_result *result,
				 struct summary *summary)
{
	return end(builder,
		   begin_neighbours(builder, metadata, query_model, query,
				    result, summary),
		   summary);
}

const char *summary_builder_names(struct summary_builder *builder,
				  const struct query_metadata *metadata,
				  const struct model *query_model,
				  const struct search_query *query,
				  const struct search_result *result,
				  struct summary *summary)
{
	const char *error = NULL;

	begin(builder, metadata, result, query_model, query->row, summary);
	for (size_t i = 0; i < result->count && error == NULL; i++)
		error = add_name(builder, summary, result->hits[i]);
	return end(builder, error, summary);
}
