#include "explain/neighbour_session.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "base/progress.h"
#include "model/model_verify.h"
#include "search/combined_quantiles.h"
#include "search/model_metric.h"
#include "search/sharded_search.h"

enum {
	/* For so many queries, or so few customers, building the inverted
	 * index takes less time than it saves. */
	INDEXED_QUERIES = 8,
	SMALL_MODEL = 2000
};

/* True if only some cells of an index are searched. */
static bool by_index(const struct neighbour_options *options)
{
	return options->recall > 0 || options->probes > 0;
}

static bool has_min_similarity(const struct neighbour_options *options)
{
	return !isnan(options->min_similarity);
}

/* The error text after the name of the model it is about; NULL for NULL. */
static const char *name_error(const struct model *model, const char *error)
{
	return error != NULL ? error_text("%s: %s", model->input.name, error)
			     : NULL;
}

/* ------------------------------------------------------------------ models */

/* An index is of embeddings alone. */
static const char *choose_metric(struct neighbour_options *options,
				 const struct model *model)
{
	if (!options->has_metric && !options->has_alpha)
		options->metric = by_index(options)
					  ? METRIC_EMBEDDING
					  : model_default_metric(model);
	else if (!options->has_metric)
		options->metric = METRIC_COMBINED;
	return name_error(model, model_check_metric(model, options->metric));
}

/* The tensors that a search for the queries does not read whole. */
static const char *const *unread(const struct neighbour_options *options,
				 const struct sharded_model *shards)
{
	bool few = options->like != NULL ||
		   (options->user_count > 0 &&
		    options->user_count <= IVF_INDEX_FEW_QUERIES);

	return sharded_search_unread(shards, options->metric, few);
}

/* True unless the files are of several: # lines have counts of all customers of
 * a model, which are in each of its shards. */
static bool is_one_model(const struct neighbour_session *session)
{
	const struct sharded_model *shards = &session->shards;

	return shards->count == 1 ||
	       safetensors_option(&shards->models[0].file, "shard.set") != NULL;
}

static const char *open_models(struct neighbour_session *session)
{
	struct neighbour_options *options = &session->options;
	struct sharded_model *shards = &session->shards;
	const char *error = sharded_model_open(
		shards, options->models, options->model_count, options->part);

	shards->recall = options->recall;
	shards->probes = options->probes;
	if (error == NULL)
		error = sharded_search_need_index(shards);
	if (error == NULL)
		error = choose_metric(options, &shards->models[0]);
	if (error == NULL)
		error = model_checksums_begin(
			&session->sums, shards->models, shards->count,
			unread(options, shards), options->threads);
	if (error == NULL)
		error = sharded_model_join(shards);
	if (error == NULL && options->profiles == 1 && !is_one_model(session))
		error = "--profiles: # lines are about the customers of one "
			"model, or of all its shards";
	session->model = session->query_model = &shards->whole;
	return error;
}

/* ----------------------------------------------------------------- queries */

/* The queries are all customers of another model. */
static const char *open_other_model(struct neighbour_session *session)
{
	const char *error = neighbour_search_open(
		&session->other_model, session->options.queries, session->model,
		session->options.threads);

	session->query_model = &session->other_model;
	if (error == NULL)
		customer_list_all(&session->customers, session->query_model);
	return error;
}

/* The query is the mean of a group, whose members are no results. */
static const char *open_group(struct neighbour_session *session)
{
	const struct neighbour_options *options = &session->options;
	const struct model *model = session->model;
	uint64_t *members = bitset_new(model->matrix.n);
	const char *error;

	customer_list_seeds(&session->customers, members, model, options->like);
	error = query_row_mean(&session->group, &session->shards,
			       options->metric, members, options->like);
	if (error == NULL && session->group.customers == 0) {
		warn("%s: none of its customers is in %s with a tag that has "
		     "weight, so no one is similar",
		     options->like, model->input.name);
		session->nobody = true;
	}
	if (!options->with_self)
		bitset_remove(session->allowed, members, model->matrix.n);
	free(members);
	session->query_model = &session->group.model;
	if (error == NULL && !session->nobody)
		customer_list_all(&session->customers, session->query_model);
	return name_error(model, error);
}

static void list_customers(struct neighbour_session *session)
{
	const struct neighbour_options *options = &session->options;
	struct customer_list *customers = &session->customers;

	for (size_t i = 0; i < options->user_count; i++)
		customer_list_user(customers, session->model,
				   options->users[i]);
	if (options->users_file != NULL)
		customer_list_file(customers, session->model,
				   options->users_file);
	if (options->all)
		customer_list_all(customers, session->model);
}

/* Set or clear the bits of the customers in a file, if there is one.  One that
 * names no customer is not what it was meant to be. */
static void mark(struct neighbour_session *session, const char *path,
		 bool allowed)
{
	if (path == NULL || session->nobody ||
	    customer_list_mark(session->allowed, session->model, path, allowed,
			       session->options.ignore_unknown))
		return;
	session->nobody = true;
}

static void make_filter(struct neighbour_session *session)
{
	const struct neighbour_options *options = &session->options;
	size_t n = session->model->matrix.n;

	if (options->among == NULL && options->not == NULL &&
	    options->like == NULL)
		return;
	session->allowed = options->among ? bitset_new(n) : bitset_new_full(n);
	mark(session, options->among, true);
	mark(session, options->not, false);
}

static const char *open_queries(struct neighbour_session *session)
{
	session->customers.ignore_unknown = session->options.ignore_unknown;
	make_filter(session);
	if (session->nobody)
		return NULL;
	if (session->options.queries != NULL)
		return open_other_model(session);
	if (session->options.like != NULL)
		return open_group(session);
	list_customers(session);
	return NULL;
}

/* ------------------------------------------------------------------ search */

/* Of no more queries than this ties at the end of a list are counted. */
enum { MAX_TIED_QUERIES = 16 };

/* What options.hub takes off, which must be of the similarity asked for. */
static const char *open_hub_scores(struct neighbour_session *session)
{
	const struct neighbour_options *options = &session->options;
	struct hub_scores *scores = &session->hub_scores;
	const char *error = hub_scores_view(scores, session->model);

	if (error == NULL && (scores->metric != options->metric ||
			      (scores->metric == METRIC_COMBINED &&
			       scores->alpha != options->alpha)))
		error = error_text("its index has what --hub takes for "
				   "--metric %s --alpha %g alone",
				   metric_words[scores->metric], scores->alpha);
	session->search.hub = scores;
	return name_error(session->model, error);
}

static const char *begin_search(struct neighbour_session *session)
{
	const struct neighbour_options *options = &session->options;
	bool has_min = has_min_similarity(options);
	size_t queries = session->customers.count;

	session->search = (struct neighbour_search){
		.shards = &session->shards,
		.query_model = session->query_model,
		.group = options->like != NULL,
		.metric = options->metric,
		.count = options->count,
		.min_score = has_min ? search_min_score(options->min_similarity)
				     : -INFINITY,
		.alpha = options->alpha,
		.allowed = session->allowed,
		.with_self = options->with_self,
		.count_tied =
			!by_index(options) && queries <= MAX_TIED_QUERIES &&
			!(session->customers.all && options->like == NULL),
		.threads = options->threads,
	};
	session->report = (struct neighbour_report){
		.model = session->model,
		.query_model = session->query_model,
		.in_total = session->customers.all && options->like == NULL,
		.by_index = by_index(options),
		.filtered = session->allowed != NULL || has_min,
		.has_min_similarity = has_min,
		.min_similarity = has_min ? options->min_similarity : 0,
		.count = options->count,
		.quiet = options->quiet,
	};
	if (options->hub) {
		const char *error = open_hub_scores(session);
		if (error != NULL)
			return error;
	}
	if (!metric_compares_rows(options->metric) ||
	    (queries < INDEXED_QUERIES &&
	     session->model->matrix.n >= SMALL_MODEL))
		return NULL;
	return name_error(
		session->model,
		sharded_model_index_rows(&session->shards, options->threads));
}

const char *neighbour_session_open(struct neighbour_session *session,
				   const struct neighbour_options *options)
{
	const char *error;

	*session = (struct neighbour_session){.options = *options};
	error = open_models(session);
	if (error == NULL)
		error = open_queries(session);
	if (error == NULL && !session->nobody)
		error = begin_search(session);
	return error;
}

/* ------------------------------------------------------------------ output */

/* Set the similarity of two customers at random: that of embeddings is stored
 * in the model; that of rows is measured here. */
static void set_pair_quantiles(const struct neighbour_session *session,
			       struct query_metadata *metadata)
{
	static const double shares[] = {0.5, 0.99};
	const struct model *model = session->model;
	enum metric metric = session->options.metric;
	const struct similarity similarity = {.profile =
						      metric == METRIC_PROFILE,
					      .alpha = session->options.alpha};
	double pairs[2] = {model->median_pair, model->top_pair};

	if (metric_compares_rows(metric))
		combined_quantiles(&session->shards, &similarity, shares, 2,
				   pairs);
	metadata->median_pair = pairs[0];
	metadata->top_pair = pairs[1];
}

static bool wants_profiles(const struct neighbour_session *session,
			   const struct output *output)
{
	const struct neighbour_options *options = &session->options;

	if (options->profiles >= 0)
		return options->profiles == 1;
	return options->user_count > 0 && options->format == OUTPUT_TSV &&
	       is_one_model(session) && !output_terminal(output);
}

static void begin_output(struct neighbour_session *session,
			 const struct output *output)
{
	const struct neighbour_options *options = &session->options;
	struct output_options settings = {
		.format = options->format,
		.why = options->why,
		.profiles = wants_profiles(session, output),
		.alpha = options->alpha,
		.metadata = {.metric = metric_words[options->metric],
			     .alpha = options->alpha,
			     .limit = options->count,
			     .min_similarity =
				     has_min_similarity(options)
					     ? &options->min_similarity
					     : NULL,
			     .looked_at = by_index(options),
			     .hub = options->hub,
			     .among = options->among},
	};

	session->search.count_matching =
		settings.profiles && has_min_similarity(options);
	/* The count is in JSON, in #model, and in a warning. */
	session->search.count_tied &= options->format == OUTPUT_JSON ||
				      settings.profiles || !options->quiet;
	if (settings.profiles)
		set_pair_quantiles(session, &settings.metadata);
	result_writer_begin(&session->writer, &session->shards,
			    session->query_model, &settings, options->metric,
			    options->threads);
}

/* Search, write and report a batch of queries. */
static const char *write_batch(struct neighbour_session *session,
			       struct output *output,
			       struct search_batch *batch)
{
	const char *error = neighbour_search_run(&session->search, batch);
	const char *damage = model_checksums_end(&session->sums);

	if (damage != NULL && error == NULL)
		search_results_free(batch->results, batch->count);
	if (damage != NULL)
		return damage;
	if (error != NULL)
		return name_error(session->model, error);
	session->writer.options.metadata.without_signal = batch->zeros;
	error = result_writer_write(&session->writer, output, batch);
	for (size_t i = 0; i < batch->count && error == NULL; i++)
		neighbour_report_add(&session->report, batch->queries[i].row,
				     &batch->results[i]);
	search_results_free(batch->results, batch->count);
	return name_error(session->model, error);
}

/* Set the queries of a batch, which begins with item first of the list. */
static const char *set_queries(const struct neighbour_session *session,
			       size_t first, struct search_query *queries,
			       size_t count)
{
	const char *error = NULL;

	for (size_t i = 0; i < count && error == NULL; i++)
		error = neighbour_search_query(
			&session->search,
			customer_list_row(&session->customers, first + i),
			&queries[i]);
	return name_error(session->query_model, error);
}

static const char *write_all(struct neighbour_session *session,
			     struct output *output)
{
	size_t total = session->customers.count;
	size_t most = neighbour_search_batch(&session->search);
	size_t room = total < most ? total : most;
	struct search_query *queries = alloc(room, sizeof *queries);
	struct search_result *results = alloc(room, sizeof *results);
	struct search_batch batch = {queries, 0, results, 0};
	const char *error = NULL;

	for (size_t done = 0; done < total && error == NULL;
	     done += batch.count) {
		batch.count = total - done < room ? total - done : room;
		error = set_queries(session, done, queries, batch.count);
		if (error == NULL)
			error = write_batch(session, output, &batch);
	}
	free(results);
	free(queries);
	return error;
}

const char *neighbour_session_write(struct neighbour_session *session,
				    struct output *output)
{
	const char *error;

	if (session->nobody)
		return NULL;
	begin_output(session, output);
	progress_begin("customers",
		       session->customers.count * session->shards.count);
	error = write_all(session, output);
	if (error != NULL)
		return error;
	progress_end();
	neighbour_report_end(&session->report);
	error = model_checksums_end(&session->sums);
	if (error != NULL)
		return error;
	session->written = session->writer.begun;
	session->missed = session->customers.missed || session->report.missed;
	if (!session->written && !session->missed)
		warn("%s: no neighbours found", session->model->input.name);
	return NULL;
}

void neighbour_session_close(struct neighbour_session *session)
{
	result_writer_end(&session->writer);
	if (session->options.queries != NULL)
		model_close(&session->other_model);
	query_row_free(&session->group);
	customer_list_free(&session->customers);
	free(session->allowed);
	model_checksums_end(&session->sums);
	sharded_model_close(&session->shards);
}
