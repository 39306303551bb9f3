/* served_model: a model as a service holds it: a checked copy of the file with
 * all that answering takes, kept until the last who uses it lets go. */
#ifndef SERVE_SERVED_MODEL_H
#define SERVE_SERVED_MODEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#include "explain/summary_builder.h"
#include "linalg/projection.h"
#include "model/captured.h"
#include "model/fold_in.h"
#include "explain/display_names.h"
#include "explain/contributions.h"
#include "search/sharded_model.h"
#include "serve/tag_facts.h"
#include "serve/served_segments.h"

/* Shares of the pairs of customers whose quantiles are kept. */
enum { SERVED_MODEL_QUANTILES = 20 };
extern const double served_model_shares[SERVED_MODEL_QUANTILES];

enum { SERVED_MODEL_METRICS = METRIC_COMBINED + 1 };

/* A customer by the name that people know. */
struct customer_label {
	const char *label;
	size_t row;
};

/* What writing replies takes, lent by a model. */
struct model_builder {
	struct summary_builder summary;
	struct model_builder *next; /* private */
};

struct served_model {
	struct sharded_model shards; /* one file; shards joined are one, too */
	const struct model *model;
	char id[17], made[24]; /* when: 2026-11-23T22:54:37Z */
	time_t time;           /* when the file was made */
	time_t opened;         /* when it was loaded */
	size_t zero_vectors;   /* customers whose vector is zero, so that no
				  similarity compares them */
	struct captured_distribution captured;
	/* Of pairs at random, by metric; those of products are none. */
	double quantiles[SERVED_MODEL_METRICS][SERVED_MODEL_QUANTILES];
	enum metric metric; /* where a request names none */
	double alpha;       /* likewise */
	double recall;      /* likewise; 0: exact */
	struct fold_in fold;
	struct projection embed;
	struct contributions reasons[SERVED_MODEL_METRICS]; /* by metric */
	struct customer_label *labelled; /* by label, case of ASCII aside */
	size_t labelled_count;
	struct tag_facts facts;
	struct output overview;           /* the body of GET /overview */
	struct served_segments *segments; /* NULL: there are none */
	/* private: */
	atomic_size_t users;
	pthread_mutex_t lock;
	struct model_builder *spare[SERVED_MODEL_METRICS]; /* not in use now */
};

/* What a model is loaded with; all borrowed for as long as it is used. */
struct served_model_options {
	const char *path; /* a file, or a directory of shards */
	const struct display_names *labels;
	const char *segments; /* a file of segments, or NULL */
	const char *report;   /* of the events, by cs-aggregate, or NULL */
	double recall; /* above 0: that of requests that name none, whose metric
			  is then that of embeddings; the model has an index */
	/* Of requests that name none, or NULL: the model's, DEFAULT_ALPHA. */
	const enum metric *metric; /* not METRIC_DOT */
	const double *alpha;
};

/* Load the model, for the first who uses it; NULL and an error text, which
 * names the file, where it is not one, or there is no memory for it. */
struct served_model *
served_model_open(const struct served_model_options *options, unsigned threads,
		  const char **error);

/* Set the status of the file of a model, or of the manifest of a directory of
 * shards, which is written last; false where there is none. */
bool served_model_stat(const char *path, struct stat *status);

/* One more, or one less, uses it. */
struct served_model *served_model_hold(struct served_model *served);
void served_model_release(struct served_model *served);

/* Set what the metadata says of two customers at random, and of the metric. */
void served_model_describe(const struct served_model *served,
			   enum metric metric, double alpha,
			   struct query_metadata *metadata);

/* Set values[i] to the similarity by the metric, with its alpha, below
 * which shares[i] of a sample of the pairs of customers lie; threads of them
 * work.  The metric is not that of products. */
void served_model_quantiles(const struct served_model *served,
			    enum metric metric, unsigned threads,
			    const double *shares, size_t count, double *values);

/* Borrow what describing takes, for the metric and its alpha; and give it
 * back, or free it where it was left in the middle (base/recovery.h). */
struct model_builder *served_model_borrow(struct served_model *served,
					  enum metric metric);
void served_model_return(struct served_model *served, enum metric metric,
			 struct model_builder *builder);
void served_model_discard(struct model_builder *builder);

#endif
