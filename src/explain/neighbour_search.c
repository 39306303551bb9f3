#include "explain/neighbour_search.h"

#include <math.h>
#include <string.h>

#include "base/errors.h"
#include "explain/rerank.h"
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

/* The number of neighbours that the search by embedding finds. */
static size_t search_limit(const struct neighbour_search *search)
{
	return search->share < 1 ? RERANK_CANDIDATES : search->count;
}

size_t neighbour_search_batch(const struct neighbour_search *search)
{
	return exact_search_batch(search_limit(search),
				  search->shards->whole.matrix.n);
}

/* The vector of a row of the shards or of asked. */
static const float *vector_of(const struct neighbour_search *search,
			      const struct model *model, size_t row)
{
	model = sharded_model_resolve(search->shards, model, &row);
	return model->embedding + row * model->k;
}

/* The row of the shards that a query is, or ROW_NONE. */
static size_t self_row(const struct neighbour_search *search, size_t row)
{
	const struct model *whole = &search->shards->whole;
	size_t length, self;

	if (search->asked == whole)
		return row;
	if (search->group)
		return ROW_NONE;
	const char *name =
		text_array_at(&search->asked->matrix.users, row, &length);
	self = model_find(whole, name, length);
	if (self != ROW_NONE && search->with_self &&
	    memcmp(vector_of(search, whole, self),
		   vector_of(search, search->asked, row),
		   whole->k * sizeof(float)) != 0)
		return ROW_NONE;
	return self;
}

struct search_query
neighbour_search_query(const struct neighbour_search *search, size_t row)
{
	return (struct search_query){
		.vector = vector_of(search, search->asked, row),
		.self = self_row(search, row),
		.asked = row,
	};
}

const char *neighbour_search_run(const struct neighbour_search *search,
				 const struct search_query *queries,
				 struct search_result *results, size_t count,
				 size_t *zeros)
{
	bool blended = search->share < 1;
	const struct exact_search exact = {
		.d = search->shards->whole.k,
		.metric = search->metric,
		.limit = search_limit(search),
		.min_score = blended ? -INFINITY : search->min_score,
		.allowed = search->allowed,
		.with_self = search->with_self,
		.count_matching = search->count_matching,
		.threads = search->threads,
	};
	const struct rerank blend = {
		.shards = search->shards,
		.asked = search->asked,
		.share = search->share,
		.limit = search->count,
		.least = search->min_score,
		.threads = search->threads,
	};
	const char *error = sharded_model_search(
		search->shards, &exact, queries, count, results, zeros);

	if (error == NULL && blended &&
	    (error = rerank(&blend, queries, results, count)) != NULL)
		search_results_free(results, count);
	return error;
}
