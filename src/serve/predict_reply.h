/* answer: what is asked (ask.h) searched, described and written: a status, a
 * media type and a body.  No socket in it. */
#ifndef SERVE_PREDICT_REPLY_H
#define SERVE_PREDICT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "serve/predict_request.h"
#include "explain/display_names.h"
#include "search/exact_search.h"
#include "base/io.h"

struct answer {
	struct ask ask; /* begun and read by the caller */
	const struct labels *labels;
	bool csv; /* rather than JSON */
	/* Set by answer_search: */
	struct query *queries;
	struct found *found;
	size_t count, zeros;
	/* Set by answer_write: */
	int status;
	const char *type;
	struct output body; /* in memory; the caller takes its buffer */
};

extern const char answer_json[], answer_csv[];

/* Can one search serve both? */
bool answer_joins(const struct answer *a, const struct answer *b);

/* Search for count answers that can be served by one, on threads threads. */
void answer_search(struct answer *const answers[], size_t count,
		   unsigned threads);

/* Write the body; of an ask that failed, what is wrong. */
void answer_write(struct answer *answer);

void answer_end(struct answer *answer);

/* ---------------------------------------------------- without a search */

/* {"error": ..., "field": ...}; field may be NULL. */
void answer_error(struct output *body, const char *error, const char *field);

/* What the model is. */
void answer_model(struct output *body, const struct loaded *loaded);

/* Up to limit customers whose id, or else whose label, begins with prefix. */
void answer_customers(struct output *body, const struct loaded *loaded,
		      const struct labels *labels, const char *prefix,
		      size_t length, size_t limit);

/* The profile of the one customer that is asked for. */
void answer_profile(struct answer *answer);

#endif
