#include "explain/summary_builder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/neighbours_tsv.h"
#include "base/number.h"

/* Significant digits of a similarity, as explain/neighbours_tsv.h prints it. */
enum { DIGITS = 9 };

void summary_builder_begin(struct summary_builder *describe,
			   const struct sharded_model *shards,
			   const struct contributions *reasons)
{
	*describe = (struct summary_builder){
		.shards = shards,
		.index = alloc(shards->whole.matrix.m, sizeof(size_t)),
	};
	top_contributions_begin(&describe->explain, shards, reasons);
}

void summary_builder_end(struct summary_builder *describe)
{
	top_contributions_end(&describe->explain);
	free(describe->index);
	free(describe->places);
	*describe = (struct summary_builder){0};
}

/* ------------------------------------------------------------------ origin */

static char *copy(const char *text)
{
	return alloc_text(text, text ? strlen(text) : 0);
}

/* The value as it is printed with nine digits. */
static double printed(double value)
{
	char text[NUMBER_TEXT];

	number_write(text, value, DIGITS);
	return strtod(text, NULL);
}

static char *print_least(const struct query_metadata *note)
{
	char text[NUMBER_TEXT] = "";

	if (note->min_similarity != NULL)
		number_write(text, *note->min_similarity, DIGITS);
	return copy(text);
}

static void set_origin(const struct summary_builder *describe,
		       const struct query_metadata *note,
		       struct model_metadata *origin)
{
	const struct model *model = &describe->shards->whole;
	const struct csr_matrix *matrix = &model->matrix;
	const char *kind = safetensors_option(&model->file, "matrix.value");
	char id[17];

	safetensors_id(&model->file, id);
	*origin = (struct model_metadata){
		.id = copy(id),
		.metric = copy(note->metric),
		.customer = copy(matrix->customer),
		.tag = copy(matrix->tag),
		.value = copy(matrix->value),
		.kind = copy(kind),
		.min_similarity = print_least(note),
		.among = copy(note->among),
		.customers = (int64_t)matrix->n,
		.without_signal = (int64_t)note->without_signal,
		.tags = (int64_t)matrix->m,
		.dimensions = (int64_t)model->k,
		.asked = (int64_t)note->asked,
		.candidates = (int64_t)note->candidates,
		.matching = note->min_similarity ? (int64_t)note->matching : -1,
		.median_pair = printed(model->median_pair),
		.top_pair = printed(model->top_pair),
	};
	for (size_t t = 0; t < TENTHS; t++)
		origin->tenths[t] = matrix->tenth_size[t];
}

/* ---------------------------------------------------------------- profiles */

/* The index of a tag in the summary; one that is new gets its facts. */
static const char *find_tag(struct summary_builder *describe, struct summary *s,
			    size_t tag, size_t *index)
{
	const struct csr_matrix *matrix = &describe->shards->whole.matrix;
	struct tag facts = {.known = true};
	size_t length;
	const char *name, *error;

	if (describe->index[tag] > 0) {
		*index = describe->index[tag] - 1;
		return NULL;
	}
	if ((error = neighbours_metadata_users(matrix, tag, &facts.users)) !=
	    NULL)
		return error;
	for (size_t t = 0; t < TENTHS; t++)
		facts.tenths[t] = matrix->tenths[tag * TENTHS + t];
	name = text_array_at(&matrix->tags, tag, &length);
	*index = string_table_add(&s->tags, name, length);
	describe->index[tag] = *index + 1;
	s->facts = alloc_grow(s->facts, &s->fact_room, *index + 1,
			      sizeof *s->facts);
	s->facts[*index] = facts;
	return NULL;
}

/* No tag is known any more. */
static void forget_tags(struct summary_builder *describe,
			const struct summary *s)
{
	const struct text_array *tags = &describe->shards->whole.matrix.tags;

	for (size_t i = 0; i < s->tags.count; i++) {
		size_t tag =
			text_array_find(tags, string_table_text(&s->tags, i),
					string_table_length(&s->tags, i));

		if (tag != SIZE_MAX)
			describe->index[tag] = 0;
	}
}

/* The value as its text reads.  No two decimals of up to six digits round to
 * one float, so one that does is the text; and the quotient of two integers
 * that doubles hold is the double nearest to it. */
static double shown(float value)
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
	return strtod(neighbours_metadata_raw(text, value), NULL);
}

/* The query's by falling value; of the others the order means nothing. */
static const char *set_holdings(struct summary_builder *describe,
				struct summary *s,
				const struct csr_matrix *matrix, size_t row,
				struct profile *profile)
{
	size_t begin = (size_t)matrix->indptr[row];
	size_t count = (size_t)matrix->indptr[row + 1] - begin;
	const char *error = NULL;

	describe->places = alloc_grow(describe->places, &describe->room, count,
				      sizeof *describe->places);
	if (s->profile_count == 1)
		neighbours_metadata_order(matrix, begin, count,
					  describe->places);
	else
		for (size_t i = 0; i < count; i++)
			describe->places[i].at = (int32_t)i;
	profile->holdings = alloc(count, sizeof *profile->holdings);
	profile->room = count;
	for (size_t i = 0; i < count && error == NULL; i++) {
		size_t at = begin + (size_t)describe->places[i].at;
		struct tag_value *holding = &profile->holdings[i];

		holding->value = shown(matrix->raw[at]);
		error = find_tag(describe, s, (size_t)matrix->indices[at],
				 &holding->tag);
		profile->count = i + 1;
	}
	return error;
}

/* Add the profile of a row of the asking or the answering customers. */
static const char *add_profile(struct summary_builder *describe,
			       struct summary *s, const struct model *model,
			       size_t row)
{
	bool guest = model != &describe->shards->whole;
	const char *error, *name = "";
	size_t length = 0;

	model = sharded_model_resolve(describe->shards, model, &row);
	if ((error = csr_matrix_check_row(&model->matrix, row)) != NULL)
		return error;
	if (model->matrix.tenth[row] >= TENTHS)
		return error_text(
			"row %zu is damaged: tenth %u, expected 0 to 9", row,
			(unsigned)model->matrix.tenth[row]);
	if (!guest)
		name = text_array_at(&model->matrix.users, row, &length);
	s->profiles = alloc_grow(s->profiles, &s->profile_room,
				 s->profile_count + 1, sizeof *s->profiles);
	struct profile *profile = &s->profiles[s->profile_count++];
	*profile = (struct profile){
		.name = alloc_text(name, length),
		.tenth = guest ? TENTHS : model->matrix.tenth[row],
	};
	return set_holdings(describe, s, &model->matrix, row, profile);
}

/* -------------------------------------------------------------- neighbours */

static char *print_similarity(double similarity)
{
	char text[NUMBER_TEXT];

	return alloc_text(text, number_write(text, similarity, DIGITS));
}

static void add_item(struct member *member, const struct reason *reason)
{
	char text[NUMBER_TEXT];
	int length = snprintf(text, sizeof text, "%.6f", reason->contribution);

	member->items[member->count++] = (struct item){
		.tag = alloc_text(reason->tag, reason->length),
		.text = alloc_text(text, (size_t)length),
		.amount = strtod(text, NULL),
	};
}

static const char *add_member(struct summary_builder *describe,
			      struct summary *s, struct hit hit)
{
	struct reason reasons[TOP_CONTRIBUTIONS];
	struct neighbour neighbour = {.reasons = reasons};
	struct member *member = &s->members[s->member_count];
	const char *error =
		top_contributions_hit(&describe->explain, hit, &neighbour);

	if (error != NULL)
		return error;
	neighbours_settle(&neighbour);
	*member = (struct member){
		.name = alloc_text(neighbour.name, neighbour.length),
		.rank = ++s->member_count,
		.similarity = print_similarity(neighbour.similarity),
		.other = copy(neighbour.other),
		.items = alloc(TOP_CONTRIBUTIONS, sizeof *member->items),
		.room = TOP_CONTRIBUTIONS,
	};
	member->score = strtod(member->similarity, NULL);
	for (size_t i = 0; i < neighbour.reason_count; i++)
		add_item(member, &neighbour.reasons[i]);
	return NULL;
}

static const char *add_members(struct summary_builder *describe,
			       struct summary *s, const struct model *asked,
			       const struct search_query *query,
			       const struct search_result *found)
{
	const char *error = top_contributions_query(&describe->explain, asked,
						    query->asked);

	s->members = alloc(found->count, sizeof *s->members);
	s->member_room = found->count;
	for (size_t i = 0; i < found->count && error == NULL; i++)
		error = add_member(describe, s, found->hits[i]);
	return error;
}

static const char *add_profiles(struct summary_builder *describe,
				struct summary *s,
				const struct search_query *query,
				const struct search_result *found)
{
	const char *error = NULL;

	for (size_t i = 0; i < found->count && error == NULL; i++)
		if (found->hits[i].row != query->self)
			error = add_profile(describe, s,
					    &describe->shards->whole,
					    found->hits[i].row);
	return error;
}

/* ----------------------------------------------------------------- queries */

static void begin(struct summary_builder *describe,
		  const struct query_metadata *note, const struct model *asked,
		  size_t row, struct summary *s)
{
	const struct model *whole = &describe->shards->whole;
	size_t length = 0;
	const char *name = "";

	*s = (struct summary){0};
	set_origin(describe, note, &s->origin);
	if (asked == whole)
		name = text_array_at(&whole->matrix.users, row, &length);
	s->query = alloc_text(name, length);
}

/* Work out what is shared; free what was made where there is an error. */
static const char *finish(struct summary_builder *describe, const char *error,
			  struct summary *s)
{
	forget_tags(describe, s);
	if (error == NULL)
		error = summary_work(s);
	if (error != NULL)
		summary_free(s);
	return error;
}

const char *summary_builder_alone(struct summary_builder *describe,
				  const struct query_metadata *note,
				  const struct model *asked, size_t row,
				  struct summary *summary)
{
	begin(describe, note, asked, row, summary);
	return finish(describe, add_profile(describe, summary, asked, row),
		      summary);
}

const char *summary_builder_query(struct summary_builder *describe,
				  const struct query_metadata *note,
				  const struct model *asked,
				  const struct search_query *query,
				  const struct search_result *found,
				  struct summary *summary)
{
	struct query_metadata said = *note;
	const char *error;

	said.candidates = found->candidates;
	said.matching = found->matching;
	if (found->count == 0)
		return summary_builder_alone(describe, &said, asked,
					     query->asked, summary);
	begin(describe, &said, asked, query->asked, summary);
	error = add_members(describe, summary, asked, query, found);
	if (error == NULL)
		error = add_profile(describe, summary, asked, query->asked);
	if (error == NULL)
		error = add_profiles(describe, summary, query, found);
	return finish(describe, error, summary);
}

const char *summary_builder_list(struct summary_builder *describe,
				 const struct query_metadata *note,
				 const struct model *asked,
				 const struct search_query *query,
				 const struct search_result *found,
				 struct summary *summary)
{
	struct query_metadata said = *note;
	const char *error;

	said.candidates = found->candidates;
	said.matching = found->matching;
	begin(describe, &said, asked, query->asked, summary);
	error = found->count > 0
			? add_members(describe, summary, asked, query, found)
			: NULL;
	if (error != NULL)
		summary_free(summary);
	return error;
}
