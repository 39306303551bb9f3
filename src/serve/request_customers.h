/* request_customers: the customers that a request names: whose neighbours are
 * wanted, and who may be one. */
#ifndef SERVE_REQUEST_CUSTOMERS_H
#define SERVE_REQUEST_CUSTOMERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "serve/predict_request.h"

/* Each function below reads the value of one field of request->body.  It
 * returns false where predict_request_fail was called. */

/* A whole number, also one that is written as 3.0 or 3e0: to JSON they are the
 * same. */
bool request_read_whole(const json_t *value, json_int_t *whole);

/* The ids in a text, between blanks, commas and the like, or in the only text
 * of an array where that is a list (name_fields_split): a new list, which the
 * caller owns; NULL where the value stays what it is. */
json_t *request_split_ids(const struct predict_request *request,
			  const json_t *value);

/* "among" and "not": a list of ids, each as it stands or as a line of a file
 * (explain/customer_list.h).  Ids that the model lacks are counted and skipped;
 * that it has none of them is an error, but of "not" where unknown ids are
 * ignored, so that is read before. */
bool request_read_among(struct predict_request *request, json_t *list);
bool request_read_not(struct predict_request *request, json_t *list);

/* "user_handle": an id; suggest: the error of one that the model lacks names
 * near ones, which takes O(n) comparisons of texts. */
bool request_read_handle(struct predict_request *request, json_t *value,
			 bool suggest);

/* "users": a list of ids, of which the model may lack some. */
bool request_read_users(struct predict_request *request, json_t *list);

/* "profile": an object of tags and numbers. */
bool request_read_profile(struct predict_request *request, json_t *profile);

/* "like": a list of ids, the group; they are no longer allowed as neighbours,
 * so this comes after "among" and "not". */
bool request_read_like(struct predict_request *request, json_t *list);

/* The one customer of a path; the name must live as long as the request. */
bool request_set_customer(struct predict_request *request, const char *name,
			  size_t length, bool suggest);

#endif
