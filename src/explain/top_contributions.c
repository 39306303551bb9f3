#include "explain/top_contributions.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"

void top_contributions_begin(struct top_contributions *top,
			     const struct sharded_model *shards,
			     const struct contributions *contributions)
{
	*top = (struct top_contributions){.shards = shards,
					  .contributions = contributions};
	contribution_side_begin(&top->query, contributions);
	contribution_side_begin(&top->other, contributions);
}

void top_contributions_end(struct top_contributions *top)
{
	contribution_side_end(&top->query);
	contribution_side_end(&top->other);
	free(top->parts);
	*top = (struct top_contributions){0};
}

/* Set the side to a row of the queries, or of a neighbour. */
static const char *set_side(const struct top_contributions *top,
			    struct contribution_side *side,
			    const struct model *model, size_t row)
{
	model = sharded_model_resolve(top->shards, model, &row);
	return contribution_side_set(side, top->contributions, model, row);
}

const char *top_contributions_query(struct top_contributions *top,
				    const struct model *query_model, size_t row)
{
	const char *error = set_side(top, &top->query, query_model, row);

	if (error == NULL)
		contribution_side_prepare(&top->query, top->contributions);
	return error;
}

const char *top_contributions_name(const struct top_contributions *top,
				   struct hit hit, struct neighbour *neighbour)
{
	neighbour->similarity = (double)hit.score;
	neighbour->reason_count = 0;
	neighbour->name = text_array_at(&top->shards->whole.matrix.users,
					hit.row, &neighbour->length);
	if (neighbour->length == 0)
		return error_text("tensor users.offsets is damaged: row %zu",
				  (size_t)hit.row);
	return NULL;
}

/* A cache line, in bytes. */
enum { CACHE_LINE = 64 };

/* Where begin is damaged, nothing is loaded. */
static void prefetch_row(const struct csr_matrix *matrix, size_t row)
{
	int64_t begin = matrix->indptr[row];

	if (begin < 0 || begin >= (int64_t)matrix->nnz)
		return;
	__builtin_prefetch(&matrix->indices[begin]);
	__builtin_prefetch(&matrix->values[begin]);
	__builtin_prefetch(&matrix->raw[begin]);
}

void top_contributions_prefetch(const struct top_contributions *top,
				const struct hit *hits, size_t count)
{
	const struct model *whole = &top->shards->whole;

	/* First what says where the rest is. */
	for (size_t i = 0; i < count; i++) {
		size_t row = hits[i].row;
		const struct model *model =
			sharded_model_resolve(top->shards, whole, &row);
		const char *embedding =
			(const char *)(model->embedding + row * model->k);

		__builtin_prefetch(&model->matrix.indptr[row]);
		for (size_t at = 0; at < model->k * sizeof(float);
		     at += CACHE_LINE)
			__builtin_prefetch(embedding + at);
	}
	for (size_t i = 0; i < count; i++) {
		size_t row = hits[i].row;
		const struct model *model =
			sharded_model_resolve(top->shards, whole, &row);

		prefetch_row(&model->matrix, row);
	}
}

/* A part by the name of its tag. */
static struct reason name_part(const struct top_contributions *top,
			       const struct contribution *part)
{
	struct reason reason = {
		.tag = "", .column = part->tag, .contribution = part->amount};

	if (part->tag != CONTRIBUTIONS_CENTER)
		reason.tag = text_array_at(&top->shards->whole.matrix.tags,
					   part->tag, &reason.length);
	return reason;
}

const char *top_contributions_hit(struct top_contributions *top, struct hit hit,
				  struct neighbour *neighbour)
{
	const char *error = top_contributions_name(top, hit, neighbour);
	size_t count;

	if (error == NULL)
		error = set_side(top, &top->other, &top->shards->whole,
				 hit.row);
	if (error != NULL)
		return error;
	top->parts = alloc_grow(top->parts, &top->room,
				top->query.row.count + top->other.row.count + 1,
				sizeof *top->parts);
	error = contributions_compute(top->contributions, &top->query,
				      &top->other, top->parts, &count);
	if (error != NULL)
		return error;
	neighbour->reason_count =
		contributions_largest(top->parts, count, TOP_CONTRIBUTIONS);
	for (size_t i = 0; i < neighbour->reason_count; i++)
		neighbour->reasons[i] = name_part(top, &top->parts[i]);
	return NULL;
}
