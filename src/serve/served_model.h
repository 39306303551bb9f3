/* loaded: a model as a service holds it: a checked copy of the file with all
 * that answering takes, kept until the last who uses it lets go. */
#ifndef SERVE_SERVED_MODEL_H
#define SERVE_SERVED_MODEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include "explain/summary_builder.h"
#include "linalg/projection.h"
#include "model/fold_in.h"
#include "explain/display_names.h"
#include "explain/contributions.h"
#include "search/sharded_model.h"

/* Shares of the pairs of customers whose quantiles are kept. */
enum { LOADED_QUANTILES = 20 };
extern const double loaded_shares[LOADED_QUANTILES];

enum { LOADED_METRICS = 2 };

/* A customer by the name that people know. */
struct known_as {
	const char *label;
	size_t row;
};

struct loaded {
	struct shards shards; /* one file */
	const struct model *model;
	char id[17], made[24]; /* when: 2026-11-23T22:54:37Z */
	time_t time;
	size_t silent; /* customers without signal */
	double quantiles[LOADED_QUANTILES];
	struct fold fold;
	struct embed embed;
	struct reasons reasons[LOADED_METRICS]; /* by metric */
	struct known_as *labelled; /* by label, case of ASCII aside */
	size_t labelled_count;
	/* private: */
	atomic_size_t users;
	pthread_mutex_t lock;
	struct describe *spare[LOADED_METRICS]; /* not in use now */
	size_t spare_count[LOADED_METRICS], spare_room[LOADED_METRICS];
};

/* Load the model, for the first who uses it; NULL and a sentence, which names
 * the file, where it is not one. */
struct loaded *loaded_open(const char *path, const struct labels *labels,
			   unsigned threads, const char **error);

/* One more, or one less, uses it. */
struct loaded *loaded_hold(struct loaded *loaded);
void loaded_release(struct loaded *loaded);

/* Borrow what describing takes, for the metric; and give it back. */
struct describe loaded_borrow(struct loaded *loaded, enum metric metric);
void loaded_return(struct loaded *loaded, enum metric metric,
		   struct describe describe);

#endif
