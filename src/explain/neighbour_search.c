#include "explain/neighbour_search.h"

#include <math.h>
#include <string.h>

#include "base/errors.h"
#include "model/safetensors.h"
#include "search/dot_vectors.h"
#include "search/exact_search.h"

const char *neighbour_search_open(struct model *queries, const char *path,
				  const struct model *model, unsigned threads)
{
	const char *error = model_open(queries, path);

	if (error == NULL)
		error = safetensors_verify_all(&queries->file, threads);
	if (error != NULL)
		return error_text("%s: %s", queries->input.name, error);
	error = sharded_model_compare(model, queries);
	for (size_t row = 0; error == NULL && row < queries->matrix.n; row++)
		if (!isfinite(dot_square_norm(
			    queries->embedding + row * queries->k, queries->k)))
			error = error_text("%s: row %zu of the embedding is "
					   "not finite",
					   queries->input.name, row);
	return error;
}

size_t neighbour_search_batch(const struct neighbour_search *search)
{
	return exact_search_batch(search->count,
				  search->shards->whole.matrix.n);
}

/* Have two queries the same row and the same vector? */
static bool is_same(const struct search_query *a, const struct search_query *b,
		    size_t k)
{
	return a->count == b->count &&
	       memcmp(a->vector, b->vector, k * sizeof *a->vector) == 0 &&
	       (a->count == 0 ||
		(memcmp(a->tags, b->tags, a->count * sizeof *a->tags) == 0 &&
		 memcmp(a->values, b->values, a->count * sizeof *a->values) ==
			 0));
}

/* Set query->self: the row of the shards that it is, or ROW_NONE. */
static const char *set_self(const struct neighbour_search *search,
			    struct search_query *query)
{
	const struct model *whole = &search->shards->whole;
	struct search_query other;
	size_t length;

	query->self = search->query_model == whole ? query->row : ROW_NONE;
	if (search->query_model == whole || search->group)
		return NULL;
	const char *name = text_array_at(&search->query_model->matrix.users,
					 query->row, &length);
	query->self = model_find(whole, name, length);
	if (query->self == ROW_NONE || !search->with_self)
		return NULL;
	const char *error =
		sharded_model_query(search->shards, whole, query->self, &other);
	if (error == NULL && !is_same(query, &other, whole->k))
		query->self = ROW_NONE;
	return error;
}

const char *neighbour_search_query(const struct neighbour_search *search,
				   size_t row, struct search_query *query)
{
	const char *error = sharded_model_query(
		search->shards, search->query_model, row, query);

	query->row = row;
	return error != NULL ? error : set_self(search, query);
}

const char *neighbour_search_count_tied(const struct sharded_model *shards,
					struct search_options exact,
					size_t limit,
					const struct search_query *query,
					struct search_result *result)
{
	struct search_result all;
	struct search_batch batch = {query, 1, &all, 0};
	size_t hits = result->count, above = 0, end;
	const char *error;

	result->tied = 0;
	if (hits <= limit)
		return NULL;
	result->count = limit;
	float last = result->hits[limit - 1].score;
	if (result->hits[limit].score != last || last == 0)
		return NULL;
	while (result->hits[above].score != last)
		above++;
	for (end = limit; end < hits && result->hits[end].score == last;)
		end++;
	result->tied = end - above;
	if (end < hits)
		return NULL;
	exact.limit = 1;
	exact.min_score = (double)last;
	exact.count_matching = true;
	error = sharded_search_run(shards, &exact, &batch);
	if (error != NULL)
		return error;
	result->tied = all.matching - above;
	search_results_free(&all, 1);
	return NULL;
}

const char *neighbour_search_run(const struct neighbour_search *search,
				 struct search_batch *batch)
{
	const struct search_options exact = {
		.d = search->shards->whole.k,
		.metric = search->metric,
		.alpha = search->alpha,
		.limit = search->count +
			 (search->count_tied && search->hub == NULL),
		.min_score = search->min_score,
		.allowed = search->allowed,
		.with_self = search->with_self,
		.count_matching = search->count_matching,
		.threads = search->threads,
	};
	const char *error;

	if (search->hub != NULL)
		return hub_search_run(search->shards, search->hub, &exact,
				      batch);
	error = sharded_search_run(search->shards, &exact, batch);
	if (error != NULL)
		return error;
	for (size_t q = 0; q < batch->count; q++) {
		batch->results[q].tied = 0;
		if (search->count_tied && error == NULL)
			error = neighbour_search_count_tied(
				search->shards, exact, search->count,
				&batch->queries[q], &batch->results[q]);
	}
	if (search->min_score == (double)-INFINITY)
		search_results_cut_at_zero(batch->results, batch->count);
	if (error != NULL)
		search_results_free(batch->results, batch->count);
	return error;
}
