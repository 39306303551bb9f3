/* overview: what a model is as a whole, as JSON: for the first screen of the
 * page.  Written once where the model is loaded. */
#ifndef SERVE_OVERVIEW_H
#define SERVE_OVERVIEW_H

#include <stdint.h>

#include "base/date.h"
#include "base/io.h"
#include "explain/display_names.h"
#include "model/model.h"
#include "serve/tag_facts.h"

/* Quantiles from which the distribution is drawn, of evenly spaced shares of
 * pairs from 0 to 1. */
enum { OVERVIEW_QUANTILES = 401 };

/* What cs-aggregate --report says of the events. */
struct overview_events {
	uint64_t rows;                          /* used */
	char first[DATE_ROOM], last[DATE_ROOM]; /* as date_write, or "" */
};

/* Read such a file.  NULL, or an error text that names it. */
const char *overview_read_events(struct overview_events *events,
				 const char *path);

/* What an overview is of; the caller's. */
struct overview {
	const struct model *model;
	const struct tag_facts *facts;
	const char *id;
	size_t zero_vectors; /* customers whose vector is zero, so that no
				similarity compares them */
	const char *metric;
	const double *quantiles;              /* of pairs, by the metric */
	const struct overview_events *events; /* NULL: nothing is known */
	size_t segments; /* 0: the service was given none */
};

/* Write {"id", "customers", "without_signal", "tags", "pairs", "dimensions",
 * "segments", "similarity", "top_tags", "activity", "spectrum"}, and "events"
 * {"rows", "first", "last"} where they are known: the distribution of the
 * similarity of pairs by the default metric (linalg/similarity_quantiles.h,
 * search/combined_quantiles.h: of a sample), the tags that most customers have,
 * customers by their number of tags, and the singular values.  O(nnz). */
void overview_write(struct output *body, const struct overview *overview,
		    const struct display_names *labels);

#endif
