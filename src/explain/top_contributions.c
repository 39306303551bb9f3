#include "explain/top_contributions.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"

void top_contributions_begin(struct top_contributions *explain,
			     const struct sharded_model *shards,
			     const struct contributions *reasons)
{
	*explain = (struct top_contributions){.shards = shards,
					      .reasons = reasons};
	side_begin(&explain->query, reasons);
	side_begin(&explain->other, reasons);
}

void top_contributions_end(struct top_contributions *explain)
{
	side_end(&explain->query);
	side_end(&explain->other);
	free(explain->parts);
	*explain = (struct top_contributions){0};
}

/* Make the side that of a row of the asking or the answering customers. */
static const char *set_side(const struct top_contributions *explain,
			    struct side *side, const struct model *model,
			    size_t row)
{
	model = sharded_model_resolve(explain->shards, model, &row);
	return side_set(side, explain->reasons, model, row);
}

const char *top_contributions_query(struct top_contributions *explain,
				    const struct model *asked, size_t row)
{
	return set_side(explain, &explain->query, asked, row);
}

const char *top_contributions_name(const struct top_contributions *explain,
				   struct hit hit, struct neighbour *neighbour)
{
	neighbour->similarity = (double)hit.score;
	neighbour->reason_count = 0;
	neighbour->name = text_array_at(&explain->shards->whole.matrix.users,
					hit.row, &neighbour->length);
	if (neighbour->length == 0)
		return error_text("tensor users.offsets is damaged: row %zu",
				  (size_t)hit.row);
	return NULL;
}

/* A part by the name of its tag. */
static struct reason name_part(const struct top_contributions *explain,
			       const struct contribution *part)
{
	struct reason reason = {.tag = "", .contribution = part->amount};

	if (part->tag != REASONS_CENTER)
		reason.tag = text_array_at(&explain->shards->whole.matrix.tags,
					   part->tag, &reason.length);
	return reason;
}

const char *top_contributions_hit(struct top_contributions *explain,
				  struct hit hit, struct neighbour *neighbour)
{
	const char *error = top_contributions_name(explain, hit, neighbour);
	size_t count;

	if (error == NULL)
		error = set_side(explain, &explain->other,
				 &explain->shards->whole, hit.row);
	if (error != NULL)
		return error;
	explain->parts = alloc_grow(explain->parts, &explain->room,
				    explain->query.row.count +
					    explain->other.row.count + 1,
				    sizeof *explain->parts);
	error = contributions_parts(explain->reasons, &explain->query,
				    &explain->other, explain->parts, &count);
	if (error != NULL)
		return error;
	neighbour->reason_count =
		contributions_largest(explain->parts, count, TOP_CONTRIBUTIONS);
	for (size_t i = 0; i < neighbour->reason_count; i++)
		neighbour->reasons[i] = name_part(explain, &explain->parts[i]);
	return NULL;
}
