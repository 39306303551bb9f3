/* neighbour_session: the neighbours of customers that options name, from
 * opening the models to the last line written; what cs-knn does after its
 * options are read. */
#ifndef EXPLAIN_NEIGHBOUR_SESSION_H
#define EXPLAIN_NEIGHBOUR_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "explain/customer_list.h"
#include "explain/neighbour_report.h"
#include "explain/neighbour_search.h"
#include "explain/query_row.h"
#include "explain/result_writer.h"
#include "model/model_verify.h"
#include "search/sharded_model.h"

/* What is to be found and written; borrowed until neighbour_session_close. */
struct neighbour_options {
	char *const *models; /* model_count paths; none: standard input */
	size_t model_count;
	bool part; /* shards may be missing among them */
	/* Whose neighbours: one of these. */
	const char *const *users; /* user_count names of customers */
	size_t user_count;
	const char *users_file; /* each customer in a file */
	const char *queries;    /* each customer of another model */
	const char *like;       /* the mean of the customers in a file */
	bool all;               /* each customer of the model */
	/* Who may be a result. */
	const char *among, *not ; /* files of customers, or NULL */
	double min_similarity;    /* NaN: any */
	bool with_self;           /* a query may be its own result */
	bool ignore_unknown;      /* unknown names are not reported, and are no
				     failure */
	/* How. */
	size_t count;    /* neighbours of each query */
	bool has_metric; /* metric is chosen, not the model's default */
	enum metric metric;
	bool has_alpha; /* alpha is chosen: of METRIC_COMBINED */
	double alpha;
	bool hub;      /* by search/hub_scores.h, which the model has; not with
			  recall, probes or min_similarity */
	double recall; /* as in struct sharded_model */
	size_t probes;
	unsigned threads;
	bool quiet; /* warn of queries without neighbours alone */
	/* The output. */
	enum output_format format;
	bool why;     /* with contributions */
	int profiles; /* with # lines: 1 yes, 0 no; -1: for user_count > 0,
			 where the output is no terminal */
};

/* Zero at first; neighbour_session_close is due whatever the functions
 * return.  It must not move once it is open. */
struct neighbour_session {
	struct neighbour_options options; /* with the metric chosen */
	struct sharded_model shards;
	struct model_checksums sums;     /* of the shards */
	const struct model *model;       /* shards.whole */
	const struct model *query_model; /* whose rows are the queries:
					    another, the mean of a group, or the
					    same */
	struct model other_model;        /* of options.queries */
	struct query_row group;          /* of options.like */
	struct customer_list customers;  /* rows of query_model */
	uint64_t *allowed; /* mask of the rows that may be results; NULL: all
			      may */
	bool nobody;       /* a file names no customer: there is a warning, and
			      nothing to write */
	bool missed;       /* a query has no neighbours, or is unknown */
	bool written;      /* there are neighbours */
	struct neighbour_search search;
	struct hub_scores hub_scores; /* of options.hub */
	struct neighbour_report report;
	struct result_writer writer;
};

/* Open the models, and find the rows of the queries and those that may be
 * results; warns of unknown names.  Returns NULL, or an error text that names a
 * file. */
const char *neighbour_session_open(struct neighbour_session *session,
				   const struct neighbour_options *options);

/* Search and write all queries, unless nobody is set, batch after batch within
 * about 512 MB; warns of queries with no or few neighbours.  Adds to the
 * progress.  Returns NULL, or an error text that names a file. */
const char *neighbour_session_write(struct neighbour_session *session,
				    struct output *output);

void neighbour_session_close(struct neighbour_session *session);

#endif
