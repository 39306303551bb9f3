/* predict_reply: what is asked (serve/predict_request.h) searched, described
 * and written: a status, a media type and a body.  No socket in it. */
#ifndef SERVE_PREDICT_REPLY_H
#define SERVE_PREDICT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "serve/predict_request.h"
#include "explain/display_names.h"
#include "search/exact_search.h"
#include "base/io.h"

struct predict_reply {
	struct predict_request ask; /* begun and read by the caller */
	const struct display_names *labels;
	bool csv; /* rather than JSON */
	/* Set by predict_reply_search: */
	struct search_query *queries;
	struct search_result *found;
	size_t count, zeros;
	/* Set by predict_reply_write: */
	int status;
	const char *type;
	struct output body; /* in memory; the caller takes its buffer */
};

extern const char predict_reply_json[], predict_reply_csv[];

/* Can one search serve both? */
bool predict_reply_joins(const struct predict_reply *a,
			 const struct predict_reply *b);

/* Search for count answers that can be served by one, on threads threads. */
void predict_reply_search(struct predict_reply *const answers[], size_t count,
			  unsigned threads);

/* Write the body; of an ask that failed, what is wrong. */
void predict_reply_write(struct predict_reply *answer);

void predict_reply_end(struct predict_reply *answer);

/* ---------------------------------------------------- without a search */

/* {"error": ..., "field": ...}; field may be NULL. */
void predict_reply_error(struct output *body, const char *error,
			 const char *field);

/* What the model is. */
void predict_reply_model(struct output *body,
			 const struct served_model *loaded);

/* Up to limit customers whose id, or else whose label, begins with prefix. */
void predict_reply_customers(struct output *body,
			     const struct served_model *loaded,
			     const struct display_names *labels,
			     const char *prefix, size_t length, size_t limit);

/* The profile of the one customer that is asked for. */
void predict_reply_profile(struct predict_reply *answer);

#endif
