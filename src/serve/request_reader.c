#include "serve/request_reader.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_memory.h"
#include "base/number.h"
#include "base/utf8.h"
#include "search/model_metric.h"
#include "serve/request_customers.h"

/* Of HTTP. */
enum { BAD_REQUEST = 400 };

/* ------------------------------------------------------------------ fields */

static bool read_count(struct predict_request *request, json_t *value)
{
	json_int_t highest = json_object_get(request->body, "like")
				     ? REQUEST_MAX_AUDIENCE
				     : REQUEST_MAX_NEIGHBOURS;
	json_int_t count;

	if (!request_read_whole(value, &count) || count < 1 || count > highest)
		return predict_request_fail(
			request, BAD_REQUEST, "n",
			"n: expected a whole number from 1 to %lld",
			(long long)highest);
	request->limit = (size_t)count;
	return true;
}

static bool set_metric(struct predict_request *request, const char *word)
{
	const char *error;

	if (word == NULL || !metric_from_word(word, &request->metric))
		return predict_request_fail(
			request, BAD_REQUEST, "metric",
			"metric: expected \"combined\", \"embedding\", "
			"\"profile\" or \"dot\"");
	if (request->metric != METRIC_EMBEDDING)
		request->recall = 0;
	error = model_check_metric(request->served->model, request->metric);
	return error == NULL ||
	       predict_request_fail(request, BAD_REQUEST, "metric",
				    "metric: %s", error);
}

/* Search by the index, which is of embeddings, with that recall; 0: exactly.
 * named: the request names a metric. */
static bool set_recall(struct predict_request *request, double recall,
		       bool named)
{
	const struct served_model *served = request->served;

	if (!(recall >= 0 && recall <= 1))
		return predict_request_fail(
			request, BAD_REQUEST, "recall",
			"recall: expected a number from 0 to 1");
	if (recall > 0 && served->shards.indexes[0].cells == 0)
		return predict_request_fail(
			request, BAD_REQUEST, "recall",
			"recall: the model has no index: cs-index adds one");
	if (recall > 0 && !named)
		request->metric = METRIC_EMBEDDING;
	if (recall > 0 && request->metric != METRIC_EMBEDDING)
		return predict_request_fail(
			request, BAD_REQUEST, "recall",
			"recall: an index is of embeddings: expected the "
			"metric embedding");
	request->recall = recall;
	return true;
}

static bool read_alpha(struct predict_request *request, json_t *value)
{
	request->alpha = json_number_value(value);
	if (json_is_number(value) && request->alpha >= 0 &&
	    request->alpha <= 1 && request->metric == METRIC_COMBINED)
		return true;
	return predict_request_fail(request, BAD_REQUEST, "alpha",
				    "alpha: expected a number from 0 to 1, "
				    "with the metric combined");
}

static bool read_min_similarity(struct predict_request *request, json_t *value)
{
	request->min_similarity = json_number_value(value);
	request->has_min_similarity = true;
	if (!json_is_number(value) || !isfinite(request->min_similarity))
		return predict_request_fail(
			request, BAD_REQUEST, "min_similarity",
			"min_similarity: expected a number");
	return true;
}

/* The fields of a request, in the order in which they are read. */
enum field {
	HANDLE,
	USERS,
	PROFILE,
	LIKE,
	SUBJECTS, /* those above say whose neighbours */
	COUNT = SUBJECTS,
	METRIC,
	RECALL,
	ALPHA,
	MIN_SIMILARITY,
	IGNORE_UNKNOWN, /* before the lists that it is of */
	AMONG,
	NOT,
	WHY,
	FIELDS
};

static const char *const fields[FIELDS] = {
	[HANDLE] = "user_handle",
	[USERS] = "users",
	[PROFILE] = "profile",
	[LIKE] = "like",
	[COUNT] = "n",
	[METRIC] = "metric",
	[RECALL] = "recall",
	[ALPHA] = "alpha",
	[MIN_SIMILARITY] = "min_similarity",
	[IGNORE_UNKNOWN] = "ignore_unknown",
	[AMONG] = "among",
	[NOT] = "not",
	[WHY] = "why",
};

static bool read_boolean(struct predict_request *request, const char *name,
			 const json_t *value, bool *result)
{
	*result = json_is_true(value);
	return json_is_boolean(value) ||
	       predict_request_fail(request, BAD_REQUEST, name,
				    "%s: expected true or false", name);
}

/* A list of ids; one in a text is split, and takes the place of the text. */
static json_t *list_of(struct predict_request *request, enum field field,
		       json_t *value)
{
	json_t *list = request_split_ids(request, value);

	if (list == NULL)
		return value;
	json_check(json_object_set_new(request->body, fields[field], list));
	return list;
}

static bool read_field(struct predict_request *request, enum field field,
		       json_t *value, bool suggest)
{
	bool why;

	switch (field) {
	case HANDLE:
		return request_read_handle(request, value, suggest);
	case USERS:
		return request_read_users(request,
					  list_of(request, USERS, value));
	case PROFILE:
		return request_read_profile(request, value);
	case LIKE:
		return request_read_like(request,
					 list_of(request, LIKE, value));
	case COUNT:
		return read_count(request, value);
	case METRIC:
		return set_metric(request, json_string_value(value));
	case RECALL:
		return set_recall(
			request,
			json_is_number(value) ? json_number_value(value) : -1,
			json_object_get(request->body, fields[METRIC]) != NULL);
	case ALPHA:
		return read_alpha(request, value);
	case MIN_SIMILARITY:
		return read_min_similarity(request, value);
	case AMONG:
		return request_read_among(request,
					  list_of(request, AMONG, value));
	case NOT:
		return request_read_not(request, list_of(request, NOT, value));
	case WHY:
		if (!read_boolean(request, fields[WHY], value, &why))
			return false;
		request->without_why = !why;
		return true;
	case IGNORE_UNKNOWN:
		return read_boolean(request, fields[IGNORE_UNKNOWN], value,
				    &request->ignore_unknown);
	case FIELDS:
		break;
	}
	return true;
}

/* Is each field known, and exactly one of those that say whose neighbours? */
static bool check_fields(struct predict_request *request)
{
	const char *key, *subject = NULL;
	json_t *value;
	int subjects = 0;

	json_object_foreach(request->body, key, value)
	{
		size_t i = 0;

		while (i < FIELDS && strcmp(fields[i], key) != 0)
			i++;
		if (i == FIELDS)
			return predict_request_fail(
				request, BAD_REQUEST, key,
				"%.*s: no such field: expected "
				"user_handle, users, profile or like, "
				"and n, metric, recall, alpha, min_similarity, among, "
				"not, why, ignore_unknown",
				(int)utf8_cut(key, strlen(key), 100), key);
	}
	for (size_t i = SUBJECTS; i-- > 0;)
		if (json_object_get(request->body, fields[i]) != NULL) {
			subject = fields[i];
			subjects++;
		}
	if (subjects == 0)
		return predict_request_fail(
			request, BAD_REQUEST, "user_handle",
			"user_handle is missing: expected it, or "
			"users, profile or like");
	if (subjects > 1)
		return predict_request_fail(
			request, BAD_REQUEST, subject,
			"expected one of user_handle, users, profile "
			"and like, found %d of them",
			subjects);
	return true;
}

/* The largest number of neighbours keeps a thread busy for some seconds. */
static bool check_total(struct predict_request *request)
{
	if (request->count * request->limit > REQUEST_MAX_AUDIENCE)
		return predict_request_fail(
			request, BAD_REQUEST, "n",
			"n: %zu neighbours of %zu users: expected at "
			"most %d in all",
			request->limit, request->count, REQUEST_MAX_AUDIENCE);
	return true;
}

static bool check_min_similarity(struct predict_request *request)
{
	if (request->has_min_similarity && request->metric != METRIC_DOT &&
	    fabs(request->min_similarity) > 1)
		return predict_request_fail(
			request, BAD_REQUEST, "min_similarity",
			"min_similarity: expected from -1 to 1");
	return true;
}

/* Does a single quotation mark stand outside of strings? */
static bool has_single_quote(const char *body, size_t size)
{
	bool inside = false;

	for (size_t i = 0; i < size; i++)
		if (body[i] == '"')
			inside = !inside;
		else if (inside && body[i] == '\\')
			i++;
		else if (!inside && body[i] == '\'')
			return true;
	return false;
}

/* Values of JSON, at most: the commas, colons and brackets outside of strings;
 * no more than REQUEST_MAX_VALUES + 1. */
static size_t count_values(const char *body, size_t size)
{
	bool inside = false;
	size_t count = 1;

	for (size_t i = 0; i < size && count <= REQUEST_MAX_VALUES; i++)
		if (body[i] == '"')
			inside = !inside;
		else if (inside && body[i] == '\\')
			i++;
		else if (!inside)
			count += body[i] == ',' || body[i] == ':' ||
				 body[i] == '[' || body[i] == '{';
	return count;
}

size_t request_body_bytes(const char *body, size_t size)
{
	/* An empty object takes 258 bytes, and two characters count for it; a
	 * short string, with its place in an array, 115. */
	enum { VALUE_BYTES = 128 };

	return size == 0 ? 0 : size + count_values(body, size) * VALUE_BYTES;
}

/* Read the body as JSON of any kind; NULL and an error where it is none. */
static json_t *read_json(const char *body, size_t size, json_error_t *error)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	json_t *read = json_loadb(body, size, flags, error);

	/* An integer beyond 64 bits: the reader of its field names the field.
	 */
	if (read == NULL &&
	    json_error_code(error) == json_error_numeric_overflow)
		read = json_loadb(body, size, flags | JSON_DECODE_INT_AS_REAL,
				  error);
	return read;
}

static bool parse(struct predict_request *request, const char *body,
		  size_t size)
{
	size_t mark = utf8_order_mark(body, size);
	json_error_t error;

	body += mark;
	size -= mark;
	if (count_values(body, size) > REQUEST_MAX_VALUES)
		return predict_request_fail(request, BAD_REQUEST, NULL,
					    "the body has more than %d values",
					    REQUEST_MAX_VALUES);
	request->body = read_json(body, size, &error);
	if (request->body == NULL &&
	    (json_error_code(&error) == json_error_null_character ||
	     json_error_code(&error) == json_error_null_byte_in_key))
		return predict_request_fail(request, BAD_REQUEST, NULL,
					    "line %d, column %d: \\u0000 is in "
					    "no id and no field",
					    error.line, error.column);
	if (request->body == NULL && has_single_quote(body, size))
		return predict_request_fail(
			request, BAD_REQUEST, NULL,
			"the body has single quotes: JSON wants double "
			"quotes, as in {\"user_handle\": 1}");
	if (request->body == NULL)
		return predict_request_fail(
			request, BAD_REQUEST, NULL,
			"the body is no JSON: line %d, column %d: "
			"%.160s",
			error.line, error.column, error.text);
	if (!json_is_object(request->body))
		return predict_request_fail(request, BAD_REQUEST, NULL,
					    "the body is no object: expected "
					    "{\"user_handle\": 1}");
	return true;
}

/* Read the fields from first to before end that the body has. */
static bool read_fields(struct predict_request *request, enum field first,
			enum field end, bool suggest)
{
	for (enum field i = first; i < end; i++) {
		json_t *value = json_object_get(request->body, fields[i]);

		if (value != NULL && !read_field(request, i, value, suggest))
			return false;
	}
	return true;
}

bool request_read_body(struct predict_request *request, const char *body,
		       size_t size, bool suggest)
{
	if (size == 0)
		return predict_request_fail(
			request, BAD_REQUEST, NULL,
			"the body is empty: expected JSON such as "
			"{\"user_handle\": 1}");
	if (!parse(request, body, size) || !check_fields(request))
		return false;
	/* Filters first: "like" takes its customers from those allowed. */
	return read_fields(request, SUBJECTS, FIELDS, suggest) &&
	       read_fields(request, 0, SUBJECTS, suggest) &&
	       check_min_similarity(request) && check_total(request);
}

static bool read_argument_list(struct predict_request *request,
			       enum field field, const char *text)
{
	json_t *list;

	if (text == NULL)
		return true;
	list = json_string_nocheck(text);
	json_check(json_object_set_new(request->body, fields[field], list));
	return read_field(request, field, list, false);
}

/* min_similarity and n; texts may be NULL. */
static bool read_argument_numbers(struct predict_request *request,
				  const char *min_similarity, const char *n)
{
	int64_t limit = (int64_t)request->limit;

	if (n != NULL && !number_integer(n, 1, REQUEST_MAX_NEIGHBOURS, &limit))
		return predict_request_fail(
			request, BAD_REQUEST, "n",
			"n: expected a whole number from 1 to %d",
			REQUEST_MAX_NEIGHBOURS);
	request->limit = (size_t)limit;
	if (min_similarity != NULL &&
	    (!number_real(min_similarity, &request->min_similarity) ||
	     !isfinite(request->min_similarity)))
		return predict_request_fail(
			request, BAD_REQUEST, "min_similarity",
			"min_similarity: expected a number");
	request->has_min_similarity = min_similarity != NULL;
	return true;
}

/* Text may be NULL. */
static bool read_argument_recall(struct predict_request *request,
				 const char *text, bool named)
{
	double recall;

	return text == NULL ||
	       set_recall(request, number_real(text, &recall) ? recall : -1,
			  named);
}

/* "0" or "1"; text may be NULL, and then *result stays. */
static bool read_argument_boolean(struct predict_request *request,
				  const char *name, const char *text,
				  bool *result)
{
	if (text == NULL)
		return true;
	*result = *text == '1';
	return strcmp(text, "0") == 0 || strcmp(text, "1") == 0 ||
	       predict_request_fail(request, BAD_REQUEST, name,
				    "%s: expected 0 or 1", name);
}

bool request_read_similar(struct predict_request *request, const char *name,
			  size_t length, const struct http_arguments *arguments,
			  bool suggest)
{
	char *const *given = arguments->values;

	bool why = true;

	request->body = alloc_check(json_object());
	if (!read_argument_numbers(request, given[ARGUMENT_MIN_SIMILARITY],
				   given[ARGUMENT_N]) ||
	    !read_argument_boolean(request, fields[WHY], given[ARGUMENT_WHY],
				   &why) ||
	    !read_argument_boolean(request, fields[IGNORE_UNKNOWN],
				   given[ARGUMENT_IGNORE_UNKNOWN],
				   &request->ignore_unknown))
		return false;
	request->without_why = !why;
	if (given[ARGUMENT_METRIC] != NULL &&
	    !set_metric(request, given[ARGUMENT_METRIC]))
		return false;
	return read_argument_recall(request, given[ARGUMENT_RECALL],
				    given[ARGUMENT_METRIC] != NULL) &&
	       read_argument_list(request, AMONG, given[ARGUMENT_AMONG]) &&
	       read_argument_list(request, NOT, given[ARGUMENT_NOT]) &&
	       check_min_similarity(request) &&
	       request_set_customer(request, name, length, suggest);
}
