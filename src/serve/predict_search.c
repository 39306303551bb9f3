#include "serve/predict_search.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "explain/neighbour_search.h"
#include "search/ivf_index.h"
#include "search/sharded_search.h"

/* Of HTTP. */
enum { INTERNAL_ERROR = 500 };

bool predict_search_joins(const struct predict_reply *a,
			  const struct predict_reply *b)
{
	return a->request.served == b->request.served &&
	       a->request.metric == b->request.metric &&
	       a->request.alpha == b->request.alpha &&
	       a->request.recall == b->request.recall &&
	       a->request.allowed == NULL && b->request.allowed == NULL &&
	       !a->request.has_min_similarity && !b->request.has_min_similarity;
}

size_t predict_search_queries(const struct predict_reply *reply)
{
	const struct predict_request *request = &reply->request;

	return request->count + (request->kind != REQUEST_CUSTOMERS);
}

/* Add a query: a row of the model, or the one row of another. */
static void add_query(struct predict_reply *reply, const struct model *model,
		      size_t row, size_t self)
{
	struct search_query *query = &reply->queries[reply->count];
	const struct sharded_model *shards = &reply->request.served->shards;

	/* Rows were checked when the model was loaded, or the query made. */
	if (sharded_model_query(shards, model, row, query) != NULL)
		return;
	query->self = self;
	query->row = row;
	reply->count++;
}

/* The queries of the customers that there are. */
static void make_queries(struct predict_reply *reply)
{
	const struct predict_request *request = &reply->request;

	reply->queries =
		alloc(predict_search_queries(reply), sizeof *reply->queries);
	reply->results =
		alloc(predict_search_queries(reply), sizeof *reply->results);
	if (request->kind != REQUEST_CUSTOMERS)
		add_query(reply, &request->row.model, 0, ROW_NONE);
	for (size_t i = 0; i < request->count; i++) {
		size_t row = request->customers[i].row;

		if (row != ROW_NONE)
			add_query(reply, request->served->model, row, row);
	}
}

/* Hand each reply its part of what was results for all. */
static void share(struct predict_reply *const replies[], size_t count,
		  const struct search_batch *batch)
{
	const struct search_result *results = batch->results;

	for (size_t i = 0; i < count; i++) {
		struct predict_reply *reply = replies[i];

		for (size_t q = 0; q < reply->count; q++)
			reply->results[q] = *results++;
		reply->zeros = batch->zeros;
	}
}

/* Cut the results of a search of shards to what each request asks for, and
 * count who is as similar as the last.  Not counted are ties by an index, which
 * does not look at all customers, and in CSV, which has no place for them.
 * Returns NULL, or an error text. */
static const char *cut_results(const struct sharded_model *shards,
			       struct predict_reply *const replies[],
			       size_t count,
			       const struct search_options *search,
			       const struct search_batch *batch)
{
	const struct search_query *query = batch->queries;
	struct search_result *result = batch->results;
	const char *error = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct predict_request *request = &replies[i]->request;
		size_t limit = request->limit;

		for (size_t q = 0; q < replies[i]->count;
		     q++, query++, result++) {
			if (error == NULL && request->recall <= 0 &&
			    !replies[i]->csv)
				error = neighbour_search_count_tied(
					shards, *search, limit, query, result);
			if (result->count > limit)
				result->count = limit;
		}
	}
	return error;
}

/* How many queries to search for at a time.  From its int8 codes an index
 * answers IVF_INDEX_FEW_QUERIES at a time, in half the time a query that a
 * search of 16 in all rows takes; one of 64 takes half of that again, and the
 * two are even at about 30. */
static size_t queries_at_once(const struct sharded_model *shards,
			      const struct search_options *search, size_t total)
{
	enum { MAX_FROM_CODES = 24 };

	return shards->indexes[0].cells > 0 && total <= MAX_FROM_CODES &&
			       total > IVF_INDEX_FEW_QUERIES &&
			       search->metric == METRIC_EMBEDDING
		       ? IVF_INDEX_FEW_QUERIES
		       : total;
}

static const char *search_all(struct predict_reply *const replies[],
			      size_t count, struct search_batch *batch,
			      unsigned threads)
{
	const struct predict_request *first = &replies[0]->request;
	struct search_options search = {
		.d = first->served->model->k,
		.metric = first->metric,
		.alpha = first->alpha,
		.min_score = search_min_score(first->min_similarity),
		.allowed = first->allowed,
		.count_matching = first->has_min_similarity,
		.quiet = true,
		.threads = threads,
	};
	struct sharded_model shards = first->served->shards;
	const char *error = NULL;
	size_t total = batch->count, step;

	/* Not that of requests that name none. */
	shards.recall = first->recall;

	for (size_t i = 0; i < count; i++)
		if (search.limit < replies[i]->request.limit)
			search.limit = replies[i]->request.limit;
	/* One more tells whether the last is tied with it. */
	search.limit += first->recall <= 0;
	step = queries_at_once(&shards, &search, total);
	for (size_t q = 0; q < total && error == NULL; q += step) {
		struct search_batch some = {batch->queries + q,
					    step < total - q ? step : total - q,
					    batch->results + q, 0};

		error = sharded_search_run(&shards, &search, &some);
		batch->zeros = some.zeros;
		if (error == NULL && !first->has_min_similarity)
			search_results_cut_at_zero(some.results, some.count);
		if (error != NULL)
			search_results_free(batch->results, q);
	}
	if (error != NULL)
		return error;
	error = cut_results(&shards, replies, count, &search, batch);
	if (error != NULL)
		search_results_free(batch->results, total);
	return error;
}

void predict_search_run(struct predict_reply *const replies[], size_t count,
			unsigned threads)
{
	struct search_batch batch = {0};
	struct search_query *queries;
	size_t total = 0;
	const char *error = NULL;

	for (size_t i = 0; i < count; i++) {
		make_queries(replies[i]);
		total += replies[i]->count;
	}
	queries = alloc(total, sizeof *queries);
	batch.queries = queries;
	batch.results = alloc(total, sizeof *batch.results);
	for (size_t i = 0; i < count; i++)
		for (size_t q = 0; q < replies[i]->count; q++)
			queries[batch.count++] = replies[i]->queries[q];
	if (batch.count > 0)
		error = search_all(replies, count, &batch, threads);
	if (error == NULL)
		share(replies, count, &batch);
	for (size_t i = 0; i < count && error != NULL; i++)
		predict_request_fail(&replies[i]->request, INTERNAL_ERROR, NULL,
				     "%s", error);
	free(queries);
	free(batch.results);
}
