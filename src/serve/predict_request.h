/* predict_request: what a request wants to know, taken from the JSON of POST
 * /predict or from a path and its arguments, and checked against the model that
 * will answer. */
#ifndef SERVE_PREDICT_REQUEST_H
#define SERVE_PREDICT_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "explain/query_row.h"
#include "serve/served_model.h"
#include "search/exact_search.h"

/* How many neighbours a customer may ask for, whose profiles are compared, and
 * a group, whose members are listed, or a list in all; how many customers at
 * once. */
enum {
	REQUEST_MAX_NEIGHBOURS = 1000,
	REQUEST_MAX_AUDIENCE = 100000,
	REQUEST_MAX_CUSTOMERS = 1000
};

enum whose { WHOSE_CUSTOMERS, WHOSE_GUEST, WHOSE_AUDIENCE };

/* A customer asked for by name. */
struct asked {
	const char *name;   /* of the request, or NULL: whole's row */
	size_t length, row; /* row is ROW_NONE: there is none */
};

struct predict_request {
	struct served_model *loaded; /* held */
	enum whose whose;
	bool batch; /* "users": a list, even of one */
	struct asked *customers;
	size_t count;
	struct query_row guest;
	struct query_row audience;
	json_t *lacking; /* of an audience: names that are no customer's */
	size_t limit;
	enum metric metric;
	double alpha; /* of METRIC_COMBINED */
	double least;
	bool has_least;
	uint64_t *allowed; /* a bit a row, or NULL: all may be answers */
	/* What is wrong: the status of HTTP, an error text, and the field, or
	 * NULL. */
	int status;
	char *error;
	const char *field;
	json_t *body; /* names point into it */
};

/* Begin an ask of a model, which is held until predict_request_end. */
void predict_request_begin(struct predict_request *ask,
			   struct served_model *loaded);

/* Read the body of POST /predict; false where something is wrong.  suggest: an
 * unknown customer's error names near ones. */
bool predict_request_predict(struct predict_request *ask, const char *body,
			     size_t size, bool suggest);

/* Ask for one customer, by the name in a path; the arguments are texts, or
 * NULL. */
bool predict_request_similar(struct predict_request *ask, const char *name,
			     size_t length, const char *count,
			     const char *metric, bool suggest);

/* Note what is wrong; returns false.  field may be NULL and must last as long
 * as the ask's body. */
bool predict_request_fail(struct predict_request *ask, int status,
			  const char *field, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void predict_request_end(struct predict_request *ask);

#endif
