#include "explain/top_contributions.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/errors.h"

void explain_begin(struct explain *explain, const struct shards *shards,
		   const struct reasons *reasons)
{
	*explain = (struct explain){.shards = shards, .reasons = reasons};
	side_begin(&explain->query, reasons);
	side_begin(&explain->other, reasons);
}

void explain_end(struct explain *explain)
{
	side_end(&explain->query);
	side_end(&explain->other);
	free(explain->parts);
	*explain = (struct explain){0};
}

/* Make the side that of a row of the asking or the answering customers. */
static const char *set_side(const struct explain *explain, struct side *side,
			    const struct model *model, size_t row)
{
	if (model == &explain->shards->whole)
		model = shards_at(explain->shards, &row);
	return side_set(side, explain->reasons, model, row);
}

const char *explain_query(struct explain *explain, const struct model *asked,
			  size_t row)
{
	return set_side(explain, &explain->query, asked, row);
}

const char *explain_name(const struct explain *explain, struct hit hit,
			 struct neighbour *neighbour)
{
	neighbour->similarity = (double)hit.score;
	neighbour->reason_count = 0;
	neighbour->name = texts_at(&explain->shards->whole.matrix.users,
				   hit.row, &neighbour->length);
	if (neighbour->length == 0)
		return sentence("tensor users.offsets is damaged: row %zu",
				(size_t)hit.row);
	return NULL;
}

/* A part by the name of its tag. */
static struct reason name_part(const struct explain *explain,
			       const struct part *part)
{
	struct reason reason = {.tag = "", .contribution = part->amount};

	if (part->tag != REASONS_CENTER)
		reason.tag = texts_at(&explain->shards->whole.matrix.tags,
				      part->tag, &reason.length);
	return reason;
}

const char *explain_hit(struct explain *explain, struct hit hit,
			struct neighbour *neighbour)
{
	const char *error = explain_name(explain, hit, neighbour);
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
	error = reasons_parts(explain->reasons, &explain->query,
			      &explain->other, explain->parts, &count);
	if (error != NULL)
		return error;
	neighbour->reason_count =
		reasons_largest(explain->parts, count, EXPLAIN_TAGS);
	for (size_t i = 0; i < neighbour->reason_count; i++)
		neighbour->reasons[i] = name_part(explain, &explain->parts[i]);
	return NULL;
}
