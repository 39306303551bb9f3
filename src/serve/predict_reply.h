/* predict_reply: the answer to a predict_request: searched, described and
 * written, as a status, a media type and a body.  No socket in it. */
#ifndef SERVE_PREDICT_REPLY_H
#define SERVE_PREDICT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/io.h"
#include "explain/display_names.h"
#include "search/exact_search.h"
#include "serve/predict_request.h"

/* Zero, but for labels, csv and safe, when the request begins.  All functions
 * may be left for want of memory (base/recovery.h). */
struct predict_reply {
	struct predict_request request; /* begun and read by the caller */
	const struct display_names *labels;
	bool csv;  /* rather than JSON */
	bool safe; /* CSV that no spreadsheet takes for formulas */
	/* Set by predict_search_run: count of each. */
	struct search_query *queries;
	struct search_result *results;
	size_t count, zeros;
	struct model_builder *builder; /* lent by the model, or NULL */
	enum metric builder_metric;
	bool failed; /* predict_reply_fail was called */
	/* Set by the functions that write: */
	int status; /* of HTTP */
	const char *type;
	struct output body; /* in memory; its buffer is the caller's to free */
};

extern const char predict_reply_json[], predict_reply_csv[];

/* Write the body: what was found, or the error of a request that failed. */
void predict_reply_write(struct predict_reply *reply);

/* Write the profile of the one customer of the request; no search before. */
void predict_reply_profile(struct predict_reply *reply);

/* Write the tag with that id; no search before.  Where the model lacks it the
 * request has an error. */
void predict_reply_tag(struct predict_reply *reply, const char *id,
		       size_t length);

/* Give back what the model lent, after a write that was not left. */
void predict_reply_return(struct predict_reply *reply);

/* Write {"error": ..., "field": ...}; field may be NULL. */
void predict_reply_error(struct output *body, const char *error,
			 const char *field);

/* Free what the reply holds but its body, and what describes it, when that is
 * written: a client may be slow to read it. */
void predict_reply_trim(struct predict_reply *reply);

/* Free what the reply and its request hold; there was no memory for it. */
void predict_reply_fail(struct predict_reply *reply);

/* Free what the reply and its request hold. */
void predict_reply_end(struct predict_reply *reply);

#endif
