/* predict_request: what a request asks, checked against the model that will
 * answer it.  serve/request_reader.h fills it from HTTP. */
#ifndef SERVE_PREDICT_REQUEST_H
#define SERVE_PREDICT_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "explain/query_row.h"
#include "search/exact_search.h"
#include "serve/served_model.h"

enum {
	REQUEST_MAX_NEIGHBOURS = 1000, /* of a query: profiles are compared */
	REQUEST_MAX_AUDIENCE = 100000, /* of a group: members are listed; and of
					  all queries of a request together */
	REQUEST_MAX_CUSTOMERS = 1000,  /* queries of a request */
	REQUEST_MAX_VALUES = 1000000   /* of JSON in a request's body */
};

/* Whose neighbours are wanted. */
enum request_kind {
	REQUEST_CUSTOMERS, /* of customers of the model */
	REQUEST_PROFILE,   /* of a new customer, given by tags */
	REQUEST_GROUP      /* of the mean of several customers */
};

/* How many unknown ids of a list the reply names. */
enum { REQUEST_UNKNOWN_SHOWN = 10 };

/* What became of the ids in "among" or "not". */
struct request_list {
	size_t given, known;
	json_t *unknown; /* the first that the model lacks; NULL: none */
};

/* A customer that the request names. */
struct request_customer {
	const char *name; /* in the request's body or path */
	size_t length;
	size_t row; /* in the model; ROW_NONE: it has no such customer */
};

struct predict_request {
	struct served_model *served; /* held until predict_request_end */
	enum request_kind kind;
	bool batch; /* "users": the reply is a list, even of one */
	struct request_customer *customers; /* count; of REQUEST_CUSTOMERS */
	size_t count;
	struct query_row row; /* of the other two kinds */
	json_t *unknown;      /* of a group: ids that the model lacks */
	uint64_t *seeds;      /* of a group: a bit a row, or NULL */
	struct request_list among, without; /* the ids in "among" and "not" */
	bool ignore_unknown; /* "not" may have no customer of the model */
	size_t limit;
	enum metric metric;
	double alpha;  /* of METRIC_COMBINED */
	double recall; /* above 0: by the index, with as many cells as have this
			  recall@10 there; 0: exactly */
	double min_similarity; /* -INFINITY unless has_min_similarity */
	bool has_min_similarity;
	bool without_why;  /* no contributions, profiles and shared tags */
	uint64_t *allowed; /* a bit a row, or NULL: all may be neighbours */
	/* Where something is wrong: the status of HTTP, an error text (owned),
	 * and the field or NULL. */
	int status;
	char *error;
	const char *field;
	json_t *body; /* names point into it */
};

/* Begin a request for a model, with the default of each field. */
void predict_request_begin(struct predict_request *request,
			   struct served_model *served);

/* How many cells of the index a request with recall above 0 scans, and in
 * *measured their recall@10, as cs-index measured it. */
size_t predict_request_cells(const struct predict_request *request,
			     double *measured);

/* Note what is wrong; returns false.  field may be NULL and must live as long
 * as the body. */
bool predict_request_fail(struct predict_request *request, int status,
			  const char *field, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Free what only the search and the writing of a reply need; left are the
 * model, and the numbers that describe the reply. */
void predict_request_trim(struct predict_request *request);

/* Free what the request holds and release the model; zero is allowed. */
void predict_request_end(struct predict_request *request);

#endif
