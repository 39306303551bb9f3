#include "serve/served_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "model/model_verify.h"
#include "base/errors.h"
#include "linalg/similarity_quantiles.h"

const double loaded_shares[LOADED_QUANTILES] = {
	0,   0.01, 0.05, 0.1,  0.2,   0.3,   0.4,   0.5,    0.6,    0.7,
	0.8, 0.9,  0.95, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1};

/* ------------------------------------------------------------------- facts */

static void find_quantiles(struct loaded *loaded, unsigned threads)
{
	const struct model *model = loaded->model;
	struct pairs pairs;

	pairs_begin(&pairs, model->matrix.n, model->k);
	pairs_add(&pairs, 0, model->matrix.n, model->embedding);
	pairs_end(&pairs, threads, loaded_shares, LOADED_QUANTILES,
		  loaded->quantiles);
}

static int by_label(const void *a, const void *b)
{
	const struct known_as *x = a, *y = b;
	int order = strcasecmp(x->label, y->label);

	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* The customers that have a label, by label. */
static void find_labelled(struct loaded *loaded, const struct labels *labels)
{
	const struct names *ids = &labels->customers.ids;

	loaded->labelled = alloc(ids->count, sizeof *loaded->labelled);
	for (size_t i = 0; i < ids->count; i++) {
		const char *label = labels->customers.texts[i];
		size_t row = model_find(loaded->model, names_text(ids, i),
					names_length(ids, i));

		if (label != NULL && row != SIZE_MAX)
			loaded->labelled[loaded->labelled_count++] =
				(struct known_as){label, row};
	}
	if (loaded->labelled_count > 1)
		qsort(loaded->labelled, loaded->labelled_count,
		      sizeof *loaded->labelled, by_label);
}

static void date(struct loaded *loaded, const char *path)
{
	struct stat status;
	struct tm when;

	loaded->time = stat(path, &status) == 0 ? status.st_mtime : time(NULL);
	gmtime_r(&loaded->time, &when);
	strftime(loaded->made, sizeof loaded->made, "%Y-%m-%dT%H:%M:%SZ",
		 &when);
}

/* ----------------------------------------------------------------- loading */

static const char *load(struct loaded *loaded, const char *path,
			const struct labels *labels, unsigned threads)
{
	const char *error = shards_open_copy(&loaded->shards, path);
	struct findings findings;

	if (error != NULL)
		return error;
	loaded->model = &loaded->shards.whole;
	/* What a request touches later is looked at here, once. */
	error = check_model(loaded->model, &findings);
	if (error == NULL)
		error = fold_view(&loaded->fold, loaded->model);
	if (error != NULL)
		return sentence("%s: %s", path, error);
	loaded->silent = findings.silent;
	format_id(&loaded->model->file, loaded->id);
	find_quantiles(loaded, threads);
	find_labelled(loaded, labels);
	embed_model(&loaded->embed, loaded->model);
	for (int metric = 0; metric < LOADED_METRICS; metric++) {
		reasons_begin(&loaded->reasons[metric], loaded->model,
			      (enum metric)metric);
		loaded->reasons[metric].share = 1;
	}
	return NULL;
}

static void unload(struct loaded *loaded)
{
	for (int metric = 0; metric < LOADED_METRICS; metric++) {
		for (size_t i = 0; i < loaded->spare_count[metric]; i++)
			describe_end(&loaded->spare[metric][i]);
		free(loaded->spare[metric]);
		reasons_end(&loaded->reasons[metric]);
	}
	embed_end(&loaded->embed);
	free(loaded->labelled);
	shards_close(&loaded->shards);
	pthread_mutex_destroy(&loaded->lock);
	free(loaded);
}

struct loaded *loaded_open(const char *path, const struct labels *labels,
			   unsigned threads, const char **error)
{
	struct loaded *loaded = alloc(1, sizeof *loaded);

	atomic_init(&loaded->users, 1);
	pthread_mutex_init(&loaded->lock, NULL);
	/* Before it is read: what is put there meanwhile is newer. */
	date(loaded, path);
	*error = load(loaded, path, labels, threads);
	if (*error == NULL)
		return loaded;
	unload(loaded);
	return NULL;
}

struct loaded *loaded_hold(struct loaded *loaded)
{
	atomic_fetch_add(&loaded->users, 1);
	return loaded;
}

void loaded_release(struct loaded *loaded)
{
	if (loaded != NULL && atomic_fetch_sub(&loaded->users, 1) == 1)
		unload(loaded);
}

/* ------------------------------------------------------------------- loans */

struct describe loaded_borrow(struct loaded *loaded, enum metric metric)
{
	struct describe describe;
	bool found;

	pthread_mutex_lock(&loaded->lock);
	found = loaded->spare_count[metric] > 0;
	if (found)
		describe = loaded->spare[metric][--loaded->spare_count[metric]];
	pthread_mutex_unlock(&loaded->lock);
	if (!found)
		describe_begin(&describe, &loaded->shards,
			       &loaded->reasons[metric]);
	return describe;
}

void loaded_return(struct loaded *loaded, enum metric metric,
		   struct describe describe)
{
	pthread_mutex_lock(&loaded->lock);
	loaded->spare[metric] = alloc_grow(
		loaded->spare[metric], &loaded->spare_room[metric],
		loaded->spare_count[metric] + 1, sizeof(struct describe));
	loaded->spare[metric][loaded->spare_count[metric]++] = describe;
	pthread_mutex_unlock(&loaded->lock);
}
