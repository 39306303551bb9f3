#include "search/hub_scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"
#include "model/safetensors_writer.h"
#include "search/combined_search.h"
#include "search/exact_search.h"
#include "search/inverted_index.h"
#include "search/row_search.h"
#include "search/sharded_search.h"

/* ----------------------------------------------------------------- finding */

/* What the search for all customers takes. */
struct all_search {
	const struct model *model;
	struct search_options search;
	struct inverted_index index; /* of METRIC_COMBINED and _PROFILE */
	struct combined_workspace *workspace;
	struct search_query *queries;
	struct search_result *results;
};

static const char *begin(struct all_search *all, size_t batch)
{
	all->queries = alloc(batch, sizeof *all->queries);
	all->results = alloc(batch, sizeof *all->results);
	if (!metric_compares_rows(all->search.metric))
		return NULL;
	all->workspace = combined_workspace_new(all->search.threads,
						all->model->matrix.m);
	return inverted_index_build(&all->index, &all->model->matrix,
				    all->model->embedding, all->model->k,
				    all->search.threads);
}

static void end(struct all_search *all)
{
	if (metric_compares_rows(all->search.metric)) {
		inverted_index_free(&all->index);
		combined_workspace_free(all->workspace);
	}
	free(all->queries);
	free(all->results);
}

/* The means of rows first, first + 1, ... */
static const char *find_batch(struct all_search *all, size_t first,
			      size_t count, float *means)
{
	const struct model *model = all->model;
	struct search_batch batch = {all->queries, count, all->results, 0};
	const char *error;

	for (size_t i = 0; i < count; i++)
		all->queries[i] =
			search_query_row(&model->matrix, model->embedding,
					 model->k, first + i, first + i);
	if (metric_compares_rows(all->search.metric))
		error = row_search_run(model, &all->index, all->workspace,
				       &all->search, &batch);
	else
		error = exact_search_run(&all->search, &batch);
	if (error != NULL)
		return error;
	for (size_t i = 0; i < count; i++) {
		const struct search_result *result = &all->results[i];
		double sum = 0;

		for (size_t j = 0; j < result->count; j++)
			sum += (double)result->hits[j].score;
		means[first + i] =
			result->count > 0 ? (float)(sum / (double)result->count)
					  : 0;
	}
	search_results_free(all->results, count);
	return NULL;
}

static void set_means(struct hub_scores *scores, const float *means, size_t n)
{
	float minimum = INFINITY;

	/* By comparison: of fmin, gcc 12 fails to make vectors for ARM. */
	for (size_t i = 0; i < n; i++)
		if (means[i] < minimum)
			minimum = means[i];
	scores->means = means;
	scores->minimum = (double)minimum;
}

const char *hub_scores_find(struct hub_scores *scores,
			    const struct model *model, unsigned threads,
			    float *means)
{
	size_t n = model->matrix.n, batch = exact_search_batch(HUB_NEAREST, n);
	struct all_search all = {.model = model,
				 .search = {.rows = model->embedding,
					    .n = n,
					    .d = model->k,
					    .metric = scores->metric,
					    .alpha = scores->alpha,
					    .limit = HUB_NEAREST,
					    .min_score = -INFINITY,
					    .threads = threads}};
	const char *error = NULL;

	for (size_t row = 0; error == NULL && row < n; row++)
		error = csr_matrix_check_row(&model->matrix, row);
	if (error != NULL)
		return error;
	batch = batch < n ? batch : n;
	error = begin(&all, batch);
	for (size_t row = 0; error == NULL && row < n; row += batch)
		error = find_batch(&all, row, n - row < batch ? n - row : batch,
				   means);
	end(&all);
	set_means(scores, means, n);
	return error;
}

/* -------------------------------------------------------------------- file */

#define TENSOR_NAME "index.hub"

struct tensor hub_scores_tensor(size_t n)
{
	return (struct tensor){TENSOR_NAME, DTYPE_F32, 1, {n, 1}, NULL, 0, 0};
}

void hub_scores_describe(const struct hub_scores *scores, json_t *metadata)
{
	metadata_set(metadata, "index.hub.metric", "%s",
		     metric_words[scores->metric]);
	metadata_set(metadata, "index.hub.alpha", "%.17g", scores->alpha);
}

/* The metric and alpha that the metadata say. */
static const char *read_similarity(struct hub_scores *scores,
				   const struct safetensors *file)
{
	const char *word = safetensors_option(file, "index.hub.metric");
	const char *alpha = safetensors_option(file, "index.hub.alpha");
	int i = 0;

	while (word != NULL && metric_words[i] != NULL &&
	       strcmp(metric_words[i], word) != 0)
		i++;
	if (word == NULL || metric_words[i] == NULL || alpha == NULL ||
	    !number_real(alpha, &scores->alpha))
		return "its metadata do not say what index.hub is of";
	scores->metric = (enum metric)i;
	return NULL;
}

bool hub_scores_exist(const struct model *model)
{
	return safetensors_find(&model->file, TENSOR_NAME) != NULL;
}

const char *hub_scores_view(struct hub_scores *scores,
			    const struct model *model)
{
	const struct tensor *tensor;
	size_t n = model->matrix.n;
	const char *error;

	if (!hub_scores_exist(model))
		return "it has no means of nearest neighbours: cs-index --hub "
		       "adds them";
	error = safetensors_need(&model->file, TENSOR_NAME, DTYPE_F32, 1, n, 1,
				 &tensor);
	if (error == NULL)
		error = safetensors_verify(&model->file, tensor);
	if (error == NULL)
		error = read_similarity(scores, &model->file);
	if (error != NULL)
		return error;
	const float *means = tensor->bytes;
	for (size_t i = 0; i < n; i++)
		if (!isfinite(means[i]) ||
		    (scores->metric != METRIC_DOT && fabsf(means[i]) > 1))
			return error_text("tensor index.hub is damaged: item "
					  "%zu is %g",
					  i, (double)means[i]);
	set_means(scores, means, n);
	return NULL;
}

/* --------------------------------------------------------------- searching */

struct adjusted {
	double score; /* s - r / 2 */
	struct hit hit;
};

static int compare_adjusted(const void *a, const void *b)
{
	const struct adjusted *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->hit.row > y->hit.row) - (x->hit.row < y->hit.row);
}

/* Order the hits that share something with the query, and keep the first limit.
 * Returns whether none of those who come after the hits by s can be among
 * these. */
static bool reorder(const struct hub_scores *scores,
		    struct search_result *result, size_t limit)
{
	struct adjusted *all = alloc(result->count, sizeof *all);
	size_t count = 0;
	/* What others have is at most this. */
	double rest = result->count > 0
			      ? (double)result->hits[result->count - 1].score -
					scores->minimum / 2
			      : 0;

	for (size_t i = 0; i < result->count; i++) {
		struct hit hit = result->hits[i];

		if (hit.score != 0)
			all[count++] = (struct adjusted){
				(double)hit.score -
					(double)scores->means[hit.row] / 2,
				hit};
	}
	if (count > 1)
		qsort(all, count, sizeof *all, compare_adjusted);
	if (count > limit)
		count = limit;
	for (size_t i = 0; i < count; i++)
		result->hits[i] = all[i].hit;
	bool complete = count == limit && all[limit - 1].score > rest;
	result->count = count;
	result->tied = 0;
	free(all);
	return complete;
}

/* How many neighbours by s are searched for first, and how many times as many
 * next. */
enum { FIRST_FACTOR = 4, NEXT_FACTOR = 8 };

/* The queries that are not answered yet, and room for a search of them. */
struct hub_search {
	const struct sharded_model *shards;
	const struct hub_scores *scores;
	struct search_batch *asked;
	struct search_options wide; /* limit: how many are searched for by s */
	size_t limit;               /* how many are wanted */
	size_t *open, left;         /* numbers of queries, ascending */
	struct search_query *some;
	struct search_result *found;
};

/* Search for the open queries; those whose results may lack some stay open. */
static const char *search_open(struct hub_search *hub)
{
	size_t n = hub->shards->whole.matrix.n, still = 0;
	size_t most = exact_search_batch(hub->wide.limit, n);

	for (size_t at = 0; at < hub->left; at += most) {
		size_t count = hub->left - at < most ? hub->left - at : most;
		struct search_batch some = {hub->some, count, hub->found, 0};

		for (size_t i = 0; i < count; i++)
			hub->some[i] = hub->asked->queries[hub->open[at + i]];
		const char *error =
			sharded_search_run(hub->shards, &hub->wide, &some);
		hub->asked->zeros = some.zeros;
		if (error != NULL)
			return error;
		for (size_t i = 0; i < count; i++) {
			size_t q = hub->open[at + i];
			bool all = hub->found[i].count < hub->wide.limit ||
				   hub->wide.limit >= n;

			hub->asked->results[q] = hub->found[i];
			if (reorder(hub->scores, &hub->asked->results[q],
				    hub->limit) ||
			    all)
				continue;
			search_results_free(&hub->asked->results[q], 1);
			hub->open[still++] = q;
		}
	}
	hub->left = still;
	return NULL;
}

const char *hub_search_run(const struct sharded_model *shards,
			   const struct hub_scores *scores,
			   const struct search_options *search,
			   struct search_batch *batch)
{
	size_t n = shards->whole.matrix.n, limit = search->limit;
	size_t count = batch->count;
	struct hub_search hub = {
		.shards = shards,
		.scores = scores,
		.asked = batch,
		.wide = *search,
		.limit = limit,
		.open = alloc(count, sizeof *hub.open),
		.left = count,
		.some = alloc(count, sizeof *hub.some),
		.found = alloc(count, sizeof *hub.found),
	};
	const char *error = NULL;

	for (size_t q = 0; q < count; q++) {
		hub.open[q] = q;
		batch->results[q] = (struct search_result){0};
	}
	hub.wide.limit = limit < n / FIRST_FACTOR ? limit * FIRST_FACTOR : n;
	while (hub.left > 0 && error == NULL) {
		error = search_open(&hub);
		hub.wide.quiet = true;
		hub.wide.limit = hub.wide.limit < n / NEXT_FACTOR
					 ? hub.wide.limit * NEXT_FACTOR
					 : n;
	}
	if (error != NULL)
		search_results_free(batch->results, count);
	free(hub.open);
	free(hub.some);
	free(hub.found);
	return error;
}
