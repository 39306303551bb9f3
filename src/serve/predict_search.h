/* predict_search: the search for replies, of several requests in one where that
 * serves them. */
#ifndef SERVE_PREDICT_SEARCH_H
#define SERVE_PREDICT_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "serve/predict_reply.h"

/* Can one search serve both requests? */
bool predict_search_joins(const struct predict_reply *a,
			  const struct predict_reply *b);

/* How many queries the request has. */
size_t predict_search_queries(const struct predict_reply *reply);

/* Search for count replies whose requests can be joined, on so many threads,
 * and set their queries and results.  Where the search fails, each request has
 * an error. */
void predict_search_run(struct predict_reply *const replies[], size_t count,
			unsigned threads);

#endif
