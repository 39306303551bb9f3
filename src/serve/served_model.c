#include "serve/served_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "model/model_verify.h"
#include "base/errors.h"
#include "base/recovery.h"
#include "linalg/similarity_quantiles.h"
#include "search/combined_quantiles.h"
#include "search/ivf_verify.h"
#include "search/model_metric.h"
#include "search/sharded_search.h"
#include "serve/overview.h"

const double served_model_shares[SERVED_MODEL_QUANTILES] = {
	0,   0.01, 0.05, 0.1,  0.2,   0.3,   0.4,   0.5,    0.6,    0.7,
	0.8, 0.9,  0.95, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1};

/* ------------------------------------------------------------------- facts */

/* Places in served_model_shares. */
enum { MEDIAN = 7, TOP_PERCENT = 13 };

void served_model_quantiles(const struct served_model *loaded,
			    enum metric metric, unsigned threads,
			    const double *shares, size_t count, double *values)
{
	const struct model *model = loaded->model;
	const struct similarity similarity = {
		.profile = metric == METRIC_PROFILE, .alpha = DEFAULT_ALPHA};
	struct similarity_quantiles pairs;

	if (metric_compares_rows(metric)) {
		combined_quantiles(&model->matrix, model->embedding, model->k,
				   &similarity, shares, count, values);
		return;
	}
	similarity_quantiles_begin(&pairs, model->matrix.n, model->k);
	similarity_quantiles_add(&pairs, 0, model->matrix.n, model->embedding);
	similarity_quantiles_end(&pairs, threads, shares, count, values);
}

static void find_quantiles(struct served_model *loaded, enum metric metric,
			   unsigned threads)
{
	served_model_quantiles(loaded, metric, threads, served_model_shares,
			       SERVED_MODEL_QUANTILES,
			       loaded->quantiles[metric]);
}

void served_model_describe(const struct served_model *loaded,
			   enum metric metric, double alpha,
			   struct query_metadata *note)
{
	static const double shares[] = {0.5, 0.99};
	const struct model *model = loaded->model;
	const struct similarity similarity = {.alpha = alpha};
	double pairs[2] = {loaded->quantiles[metric][MEDIAN],
			   loaded->quantiles[metric][TOP_PERCENT]};

	if (metric == METRIC_COMBINED && alpha != DEFAULT_ALPHA)
		combined_quantiles(&model->matrix, model->embedding, model->k,
				   &similarity, shares, 2, pairs);
	if (!metric_compares_rows(metric)) {
		pairs[0] = model->median_pair;
		pairs[1] = model->top_pair;
	}
	note->metric = metric_words[metric];
	note->alpha = alpha;
	note->median_pair = pairs[0];
	note->top_pair = pairs[1];
}

static void write_overview(struct served_model *loaded,
			   const struct display_names *labels, unsigned threads)
{
	double shares[OVERVIEW_QUANTILES], quantiles[OVERVIEW_QUANTILES];
	const struct overview overview = {
		.model = loaded->model,
		.facts = &loaded->facts,
		.id = loaded->id,
		.silent = loaded->silent,
		.metric = metric_words[loaded->metric],
		.quantiles = quantiles,
		.segments = loaded->segments ? loaded->segments->count : 0,
	};

	for (size_t i = 0; i < OVERVIEW_QUANTILES; i++)
		shares[i] = (double)i / (OVERVIEW_QUANTILES - 1);
	served_model_quantiles(loaded, loaded->metric, threads, shares,
			       OVERVIEW_QUANTILES, quantiles);
	output_memory(&loaded->overview);
	overview_write(&loaded->overview, &overview, labels);
}

static int by_label(const void *a, const void *b)
{
	const struct known_as *x = a, *y = b;
	int order = strcasecmp(x->label, y->label);

	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* The customers that have a label, by label. */
static void find_labelled(struct served_model *loaded,
			  const struct display_names *labels)
{
	const struct string_table *ids = &labels->customers.ids;

	loaded->labelled = alloc(ids->count, sizeof *loaded->labelled);
	for (size_t i = 0; i < ids->count; i++) {
		const char *label = labels->customers.texts[i];
		size_t row =
			model_find(loaded->model, string_table_text(ids, i),
				   string_table_length(ids, i));

		if (label != NULL && row != SIZE_MAX)
			loaded->labelled[loaded->labelled_count++] =
				(struct known_as){label, row};
	}
	if (loaded->labelled_count > 1)
		qsort(loaded->labelled, loaded->labelled_count,
		      sizeof *loaded->labelled, by_label);
}

static void date(struct served_model *loaded, const char *path)
{
	struct stat status;
	struct tm when;

	loaded->time = stat(path, &status) == 0 ? status.st_mtime : time(NULL);
	gmtime_r(&loaded->time, &when);
	strftime(loaded->made, sizeof loaded->made, "%Y-%m-%dT%H:%M:%SZ",
		 &when);
}

/* ----------------------------------------------------------------- loading */

/* Set what is searched where a request says nothing of it. */
static const char *set_defaults(struct served_model *loaded, double recall)
{
	loaded->metric = model_default_metric(loaded->model);
	if (recall > 0) {
		loaded->shards.recall = recall;
		loaded->recall = recall;
		loaded->metric = METRIC_EMBEDDING;
	}
	return sharded_search_need_index(&loaded->shards);
}

static const char *load(struct served_model *loaded,
			const struct served_model_options *options,
			unsigned threads)
{
	const char *path = options->path;
	struct stat status;
	struct model_findings findings;
	const char *error;

	/* To open a FIFO would wait for a writer. */
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return error_text("%s: expected a regular file", path);
	error = sharded_model_open_copy(&loaded->shards, path);

	if (error != NULL)
		return error;
	loaded->model = &loaded->shards.whole;
	/* What a request touches later is looked at here, once. */
	error = set_defaults(loaded, options->recall);
	if (error != NULL)
		return error;
	error = model_verify(loaded->model, &findings);
	if (error == NULL)
		error = ivf_verify(loaded->model, threads);
	if (error == NULL)
		error = fold_in_view(&loaded->fold, loaded->model);
	if (error == NULL)
		error = captured_distribution_find(&loaded->captured,
						   loaded->model);
	if (error != NULL)
		return error_text("%s: %s", path, error);
	loaded->silent = findings.zero_rows;
	safetensors_id(&loaded->model->file, loaded->id);
	if (options->segments != NULL)
		loaded->segments =
			served_segments_open(options->segments, loaded->model,
					     options->labels, threads, &error);
	if (error != NULL)
		return error;
	find_quantiles(loaded, METRIC_EMBEDDING, threads);
	find_quantiles(loaded, METRIC_PROFILE, threads);
	if (model_check_metric(loaded->model, METRIC_COMBINED) == NULL)
		find_quantiles(loaded, METRIC_COMBINED, threads);
	find_labelled(loaded, options->labels);
	tag_facts_begin(&loaded->facts, &loaded->model->matrix);
	write_overview(loaded, options->labels, threads);
	projection_model(&loaded->embed, loaded->model);
	for (int metric = 0; metric < SERVED_MODEL_METRICS; metric++) {
		contributions_begin(&loaded->reasons[metric], loaded->model,
				    (enum metric)metric, DEFAULT_ALPHA);
	}
	error = sharded_model_index_rows(&loaded->shards, threads);
	return error ? error_text("%s: %s", path, error) : NULL;
}

static void unload(struct served_model *loaded)
{
	for (int metric = 0; metric < SERVED_MODEL_METRICS; metric++) {
		for (struct model_builder *one;
		     (one = loaded->spare[metric]) != NULL;) {
			loaded->spare[metric] = one->next;
			served_model_discard(one);
		}
		contributions_end(&loaded->reasons[metric]);
	}
	projection_end(&loaded->embed);
	free(loaded->labelled);
	free(loaded->overview.buffer);
	tag_facts_end(&loaded->facts);
	served_segments_close(loaded->segments);
	sharded_model_close(&loaded->shards);
	pthread_mutex_destroy(&loaded->lock);
	free(loaded);
}

/* A call of served_model_open. */
struct opening {
	const struct served_model_options *options;
	unsigned threads;
	struct served_model *loaded;
	const char *error;
};

static void open_model(void *context)
{
	struct opening *opening = context;
	struct served_model *loaded = alloc(1, sizeof *loaded);

	atomic_init(&loaded->users, 1);
	pthread_mutex_init(&loaded->lock, NULL);
	opening->loaded = loaded;
	loaded->opened = time(NULL);
	/* Before it is read: what is put there meanwhile is newer. */
	date(loaded, opening->options->path);
	opening->error = load(loaded, opening->options, opening->threads);
}

static void undo_open(void *context)
{
	struct opening *opening = context;

	if (opening->loaded != NULL)
		unload(opening->loaded);
	opening->loaded = NULL;
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
		return opening.loaded;
	if (opening.loaded != NULL)
		unload(opening.loaded);
	return NULL;
}

struct served_model *served_model_hold(struct served_model *loaded)
{
	atomic_fetch_add(&loaded->users, 1);
	return loaded;
}

void served_model_release(struct served_model *loaded)
{
	if (loaded != NULL && atomic_fetch_sub(&loaded->users, 1) == 1)
		unload(loaded);
}

/* ------------------------------------------------------------------- loans */

struct model_builder *served_model_borrow(struct served_model *loaded,
					  enum metric metric)
{
	struct model_builder *builder;

	pthread_mutex_lock(&loaded->lock);
	builder = loaded->spare[metric];
	if (builder != NULL)
		loaded->spare[metric] = builder->next;
	pthread_mutex_unlock(&loaded->lock);
	if (builder == NULL) {
		builder = alloc(1, sizeof *builder);
		summary_builder_begin(&builder->summary, &loaded->shards,
				      &loaded->reasons[metric]);
	}
	return builder;
}

void served_model_return(struct served_model *loaded, enum metric metric,
			 struct model_builder *builder)
{
	pthread_mutex_lock(&loaded->lock);
	builder->next = loaded->spare[metric];
	loaded->spare[metric] = builder;
	pthread_mutex_unlock(&loaded->lock);
}

void served_model_discard(struct model_builder *builder)
{
	if (builder == NULL)
		return;
	summary_builder_end(&builder->summary);
	free(builder);
}
