#include "search/combined_job.h"

#include <math.h>

#include "base/bitset.h"

bool combined_may_be_result(const struct combined_options *search,
			    const struct search_query *query, size_t row)
{
	return (row != query->self || search->with_self) &&
	       (search->allowed == NULL || bitset_test(search->allowed, row));
}

double combined_min_score(const struct combined_job *job, size_t query)
{
	const struct combined_options *search = &job->search;

	if (search->thresholds == NULL || search->count_matching)
		return search->min_score;
	return fmax(search->min_score, (double)search->thresholds[query]);
}

struct score_side combined_row_side(const struct combined_options *search,
				    const struct search_query *row)
{
	double x_square =
		search->similarity.profile
			? 0
			: embedding_dot(row->vector, row->vector, search->d);

	return score_side_make(&search->similarity,
			       row_square(row->values, row->count), x_square);
}

void combined_push_score(const struct combined_options *search,
			 struct active_query *active,
			 const struct combined_worker *worker, size_t row,
			 const struct scored_row *scored)
{
	const struct search_query *other = &scored->row;
	struct score_side side = score_side_make(
		&search->similarity, scored->square, scored->embedding.square);
	float score = combined_score(&search->similarity, &active->side, &side,
				     row_dot(worker->dense_query, other->tags,
					     other->values, other->count),
				     scored->embedding.dot);

	topk_push(active->top, METRIC_EMBEDDING,
		  row == active->query->self ? 1 : score, (uint32_t)row);
}

void combined_score_row(const struct combined_options *search,
			struct active_query *active,
			const struct combined_worker *worker, size_t row)
{
	struct scored_row scored = {
		.row = search_query_row(search->matrix, search->embedding,
					search->d, row, ROW_NONE)};

	scored.square = row_square(scored.row.values, scored.row.count);
	if (!(scored.square > 0))
		return;
	if (!search->similarity.profile)
		scored.embedding = embedding_products(
			active->query->vector, scored.row.vector, search->d);
	combined_push_score(search, active, worker, row, &scored);
}

void combined_scatter_query(struct combined_worker *worker,
			    const struct search_query *query, double factor)
{
	for (size_t i = 0; i < query->count; i++)
		worker->dense_query[query->tags[i]] = query->values[i] * factor;
}
