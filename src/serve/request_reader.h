/* request_reader: a predict_request from the JSON of POST /predict, or from a
 * path and its arguments. */
#ifndef SERVE_REQUEST_READER_H
#define SERVE_REQUEST_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "serve/http_arguments.h"
#include "serve/predict_request.h"

/* How many bytes such a body takes as JSON in memory, at most; it is not looked
 * at beyond REQUEST_MAX_VALUES. */
size_t request_body_bytes(const char *body, size_t size);

/* Read the body of POST /predict into a request just begun; false where
 * something is wrong.  suggest: an unknown customer's error names near ones. */
bool request_read_body(struct predict_request *request, const char *body,
		       size_t size, bool suggest);

/* Read what GET asks of the customer named in the path.  The lists among and
 * not are separated by commas, semicolons or white space.  name must live as
 * long as the request. */
bool request_read_similar(struct predict_request *request, const char *name,
			  size_t length, const struct http_arguments *arguments,
			  bool suggest);

#endif
