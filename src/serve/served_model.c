#include "serve/served_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/recovery.h"
#include "linalg/similarity_quantiles.h"
#include "search/combined_quantiles.h"
#include "search/full_verify.h"
#include "search/model_metric.h"
#include "search/sharded_search.h"
#include "serve/overview.h"

const double served_model_shares[SERVED_MODEL_QUANTILES] = {
	0,   0.01, 0.05, 0.1,  0.2,   0.3,   0.4,   0.5,    0.6,    0.7,
	0.8, 0.9,  0.95, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1};

/* ------------------------------------------------------------------- facts */

/* Places in served_model_shares. */
enum { MEDIAN = 7, TOP_PERCENT = 13 };

void served_model_quantiles(const struct served_model *served,
			    enum metric metric, unsigned threads,
			    const double *shares, size_t count, double *values)
{
	const struct model *model = served->model;
	const struct similarity similarity = {
		.profile = metric == METRIC_PROFILE, .alpha = served->alpha};
	struct similarity_quantiles pairs;

	if (metric_compares_rows(metric)) {
		combined_quantiles(&served->shards, &similarity, shares, count,
				   values);
		return;
	}
	similarity_quantiles_begin(&pairs, model->matrix.n, model->k);
	similarity_quantiles_add(&pairs, 0, model->matrix.n, model->embedding);
	similarity_quantiles_end(&pairs, threads, shares, count, values);
}

static void find_quantiles(struct served_model *served, enum metric metric,
			   unsigned threads)
{
	served_model_quantiles(served, metric, threads, served_model_shares,
			       SERVED_MODEL_QUANTILES,
			       served->quantiles[metric]);
}

void served_model_describe(const struct served_model *served,
			   enum metric metric, double alpha,
			   struct query_metadata *metadata)
{
	static const double shares[] = {0.5, 0.99};
	const struct model *model = served->model;
	const struct similarity similarity = {.alpha = alpha};
	double pairs[2] = {served->quantiles[metric][MEDIAN],
			   served->quantiles[metric][TOP_PERCENT]};

	if (metric == METRIC_COMBINED && alpha != served->alpha)
		combined_quantiles(&served->shards, &similarity, shares, 2,
				   pairs);
	if (!metric_compares_rows(metric)) {
		pairs[0] = model->median_pair;
		pairs[1] = model->top_pair;
	}
	metadata->metric = metric_words[metric];
	metadata->alpha = alpha;
	metadata->median_pair = pairs[0];
	metadata->top_pair = pairs[1];
}

static void write_overview(struct served_model *served,
			   const struct display_names *labels,
			   const struct overview_events *events,
			   unsigned threads)
{
	double shares[OVERVIEW_QUANTILES], quantiles[OVERVIEW_QUANTILES];
	const struct overview overview = {
		.model = served->model,
		.facts = &served->facts,
		.id = served->id,
		.zero_vectors = served->zero_vectors,
		.metric = metric_words[served->metric],
		.quantiles = quantiles,
		.events = events,
		.segments = served->segments ? served->segments->count : 0,
	};

	for (size_t i = 0; i < OVERVIEW_QUANTILES; i++)
		shares[i] = (double)i / (OVERVIEW_QUANTILES - 1);
	served_model_quantiles(served, served->metric, threads, shares,
			       OVERVIEW_QUANTILES, quantiles);
	output_memory(&served->overview);
	overview_write(&served->overview, &overview, labels);
}

static int by_label(const void *a, const void *b)
{
	const struct customer_label *x = a, *y = b;
	int order = strcasecmp(x->label, y->label);

	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* The customers that have a label, by label. */
static void find_labelled(struct served_model *served,
			  const struct display_names *labels)
{
	const struct string_table *ids = &labels->customers.ids;

	served->labelled = alloc(ids->count, sizeof *served->labelled);
	for (size_t i = 0; i < ids->count; i++) {
		const char *label = labels->customers.texts[i];
		size_t row =
			model_find(served->model, string_table_text(ids, i),
				   string_table_length(ids, i));

		if (label != NULL && row != SIZE_MAX)
			served->labelled[served->labelled_count++] =
				(struct customer_label){label, row};
	}
	if (served->labelled_count > 1)
		qsort(served->labelled, served->labelled_count,
		      sizeof *served->labelled, by_label);
}

bool served_model_stat(const char *path, struct stat *status)
{
	bool found = stat(path, status) == 0;

	if (found && S_ISDIR(status->st_mode)) {
		char manifest[4096];
		int length = snprintf(manifest, sizeof manifest, "%s/%s", path,
				      SHARD_FILES_MANIFEST);

		found = length < (int)sizeof manifest &&
			stat(manifest, status) == 0;
	}
	return found;
}

/* Set when the model was made: now, where it comes from standard input.  0, or
 * errno. */
static int date(struct served_model *served, const char *path)
{
	struct stat status = {.st_mtime = time(NULL)};
	struct tm when;

	if (strcmp(path, "-") != 0 && !served_model_stat(path, &status))
		return errno;
	served->time = status.st_mtime;
	if (gmtime_r(&served->time, &when) == NULL ||
	    strftime(served->made, sizeof served->made, "%Y-%m-%dT%H:%M:%SZ",
		     &when) == 0)
		return EOVERFLOW;
	return 0;
}

/* ----------------------------------------------------------------- loading */

/* Set what is searched where a request says nothing of it. */
static const char *set_defaults(struct served_model *served,
				const struct served_model_options *options)
{
	const char *error;

	served->metric = model_default_metric(served->model);
	served->alpha = DEFAULT_ALPHA;
	if (options->alpha != NULL)
		served->alpha = *options->alpha;
	if (options->metric != NULL) {
		served->metric = *options->metric;
		error = model_check_metric(served->model, served->metric);
		if (error != NULL)
			return error_text("%s: %s", options->path, error);
	}
	if (options->recall > 0) {
		served->shards.recall = options->recall;
		served->recall = options->recall;
		served->metric = METRIC_EMBEDDING;
	}
	return sharded_search_need_index(&served->shards);
}

/* The quantiles by each metric that is defined, but for that of products. */
static void find_all_quantiles(struct served_model *served, unsigned threads)
{
	find_quantiles(served, METRIC_EMBEDDING, threads);
	find_quantiles(served, METRIC_PROFILE, threads);
	if (model_check_metric(served->model, METRIC_COMBINED) == NULL)
		find_quantiles(served, METRIC_COMBINED, threads);
}

static const char *load(struct served_model *served,
			const struct served_model_options *options,
			unsigned threads)
{
	const char *path = options->path;
	struct stat status;
	struct model_verification verification;
	struct overview_events events;
	const char *error;

	/* To open a FIFO would wait for a writer. */
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode) &&
	    !S_ISDIR(status.st_mode))
		return error_text("%s: expected a regular file, or a directory "
				  "of shards",
				  path);
	error = sharded_model_open_copy(&served->shards, path);
	if (error != NULL)
		return error;
	served->model = &served->shards.whole;
	/* What a request touches later is looked at here, once. */
	error = set_defaults(served, options);
	if (error != NULL)
		return error;
	/* But for the means of index.hub, which take a search for each. */
	error = full_verify(served->model, &verification, false, threads);
	if (error == NULL)
		error = fold_in_view(&served->fold, served->model);
	if (error == NULL)
		error = captured_distribution_find(&served->captured,
						   served->model);
	if (error != NULL)
		return error_text("%s: %s", path, error);
	served->zero_vectors = verification.zero_rows;
	model_id(served->model, served->id);
	if (options->segments != NULL)
		served->segments =
			served_segments_open(options->segments, served->model,
					     options->labels, threads, &error);
	if (error == NULL && options->report != NULL)
		error = overview_read_events(&events, options->report);
	if (error != NULL)
		return error;
	find_all_quantiles(served, threads);
	find_labelled(served, options->labels);
	tag_facts_begin(&served->facts, &served->model->matrix);
	write_overview(served, options->labels,
		       options->report != NULL ? &events : NULL, threads);
	projection_model(&served->embed, served->model);
	for (int metric = 0; metric < SERVED_MODEL_METRICS; metric++)
		contributions_begin(&served->reasons[metric], served->model,
				    (enum metric)metric, served->alpha);
	error = sharded_model_index_rows(&served->shards, threads);
	return error ? error_text("%s: %s", path, error) : NULL;
}

static void unload(struct served_model *served)
{
	for (int metric = 0; metric < SERVED_MODEL_METRICS; metric++) {
		for (struct model_builder *one;
		     (one = served->spare[metric]) != NULL;) {
			served->spare[metric] = one->next;
			served_model_discard(one);
		}
		contributions_end(&served->reasons[metric]);
	}
	projection_end(&served->embed);
	free(served->labelled);
	free(served->overview.buffer);
	tag_facts_end(&served->facts);
	served_segments_close(served->segments);
	sharded_model_close(&served->shards);
	pthread_mutex_destroy(&served->lock);
	free(served);
}

/* A call of served_model_open. */
struct opening {
	const struct served_model_options *options;
	unsigned threads;
	struct served_model *served;
	const char *error;
};

static void open_model(void *context)
{
	struct opening *opening = context;
	const char *path = opening->options->path;
	struct served_model *served = alloc(1, sizeof *served);

	atomic_init(&served->users, 1);
	pthread_mutex_init(&served->lock, NULL);
	opening->served = served;
	served->opened = time(NULL);
	/* Before it is read: what is put there meanwhile is newer. */
	int undated = date(served, path);
	opening->error = load(served, opening->options, opening->threads);
	if (opening->error == NULL && undated != 0)
		opening->error = error_text("%s: %s", path, strerror(undated));
}

static void undo_open(void *context)
{
	struct opening *opening = context;

	if (opening->served != NULL)
		unload(opening->served);
	opening->served = NULL;
	opening->error = error_text("%s: not loaded", opening->options->path);
}

struct served_model *
served_model_open(const struct served_model_options *options, unsigned threads,
		  const char **error)
{
	struct opening opening = {.options = options, .threads = threads};

	recovery_run(open_model, &opening, undo_open);
	*error = opening.error;
	if (*error == NULL)
		return opening.served;
	if (opening.served != NULL)
		unload(opening.served);
	return NULL;
}

struct served_model *served_model_hold(struct served_model *served)
{
	atomic_fetch_add(&served->users, 1);
	return served;
}

void served_model_release(struct served_model *served)
{
	if (served != NULL && atomic_fetch_sub(&served->users, 1) == 1)
		unload(served);
}

/* ------------------------------------------------------------------- loans */

struct model_builder *served_model_borrow(struct served_model *served,
					  enum metric metric)
{
	struct model_builder *builder;

	pthread_mutex_lock(&served->lock);
	builder = served->spare[metric];
	if (builder != NULL)
		served->spare[metric] = builder->next;
	pthread_mutex_unlock(&served->lock);
	if (builder == NULL) {
		builder = alloc(1, sizeof *builder);
		summary_builder_begin(&builder->summary, &served->shards,
				      &served->reasons[metric]);
	}
	return builder;
}

void served_model_return(struct served_model *served, enum metric metric,
			 struct model_builder *builder)
{
	pthread_mutex_lock(&served->lock);
	builder->next = served->spare[metric];
	served->spare[metric] = builder;
	pthread_mutex_unlock(&served->lock);
}

void served_model_discard(struct model_builder *builder)
{
	if (builder == NULL)
		return;
	summary_builder_end(&builder->summary);
	free(builder);
}
