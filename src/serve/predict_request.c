#include "serve/predict_request.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/number.h"
#include "search/model_metric.h"

enum { DEFAULT_COUNT = 10 };

/* Of HTTP. */
enum { BAD_REQUEST = 400, NOT_FOUND = 404 };

bool predict_request_fail(struct predict_request *ask, int status,
			  const char *field, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = vasprintf(&ask->error, format, arguments);
	va_end(arguments);
	if (length < 0)
		ask->error = alloc_text("out of memory", 13);
	ask->status = status;
	ask->field = field;
	return false;
}

void predict_request_begin(struct predict_request *ask,
			   struct served_model *loaded)
{
	*ask = (struct predict_request){
		.loaded = served_model_hold(loaded),
		.limit = DEFAULT_COUNT,
		.metric = loaded->metric,
		.alpha = DEFAULT_ALPHA,
		.least = -INFINITY,
	};
}

void predict_request_end(struct predict_request *ask)
{
	if (ask->whose == WHOSE_GUEST)
		query_row_free(&ask->guest);
	if (ask->whose == WHOSE_AUDIENCE)
		query_row_free(&ask->audience);
	free(ask->customers);
	free(ask->allowed);
	free(ask->error);
	json_decref(ask->lacking);
	json_decref(ask->body);
	served_model_release(ask->loaded);
	*ask = (struct predict_request){0};
}

/* ------------------------------------------------------------------- names */

/* Doubles from here on stand for more than one whole number. */
static const double inexact = 9007199254740992; /* 2^53 */

/* A whole number, also one that is written as 3.0 or 3e0: to JSON they are the
 * same. */
static bool read_whole(const json_t *value, json_int_t *whole)
{
	double real = json_real_value(value);

	if (json_is_integer(value))
		*whole = json_integer_value(value);
	else if (json_is_real(value) && fabs(real) < inexact &&
		 rint(real) == real)
		*whole = (json_int_t)real;
	else
		return false;
	return true;
}

/* An id: a text, or a whole number, of which a text is made.  *value becomes
 * the text, which is the caller's; NULL where it is neither. */
static const char *read_id(struct predict_request *ask, const char *field,
			   json_t **value, size_t *length)
{
	char text[NUMBER_TEXT];
	json_int_t whole;

	if (read_whole(*value, &whole)) {
		snprintf(text, sizeof text, "%lld", (long long)whole);
		*value = json_string(text);
	} else if (json_is_string(*value)) {
		json_incref(*value);
	} else if (json_is_real(*value) &&
		   fabs(json_real_value(*value)) >= inexact) {
		predict_request_fail(
			ask, BAD_REQUEST, field,
			"%s: a number of so many digits: write the id as a "
			"string",
			field);
		return NULL;
	} else {
		predict_request_fail(
			ask, BAD_REQUEST, field,
			"%s: expected a customer's id: a string or a whole "
			"number",
			field);
		return NULL;
	}
	*length = json_string_length(*value);
	return json_string_value(*value);
}

/* The list of ids under a field: calls take for each, whose text lives as long
 * as the body.  False where it is no list of such. */
static bool each_id(struct predict_request *ask, const char *field,
		    json_t *list,
		    bool (*take)(struct predict_request *ask, const char *name,
				 size_t length, void *context),
		    void *context)
{
	size_t i;
	json_t *value;

	if (!json_is_array(list))
		return predict_request_fail(
			ask, BAD_REQUEST, field,
			"%s: expected a list of customers' ids", field);
	json_array_foreach(list, i, value)
	{
		size_t length;
		const char *name = read_id(ask, field, &value, &length);

		if (name == NULL)
			return false;
		json_array_set_new(list, i, value);
		if (!take(ask, name, length, context))
			return false;
	}
	return true;
}

/* Say that there is no such customer. */
static bool fail_unknown(struct predict_request *ask, const char *name,
			 size_t length, bool suggest)
{
	char near[512] = "";

	if (suggest)
		model_near(ask->loaded->model, name, length, near, sizeof near);
	return predict_request_fail(ask, NOT_FOUND, "user_handle",
				    "no customer %.*s%s%s",
				    (int)(length < 200 ? length : 200), name,
				    *near ? "; near: " : "", near);
}

static void add_customer(struct predict_request *ask, const char *name,
			 size_t length)
{
	ask->customers[ask->count++] = (struct asked){
		.name = name,
		.length = length,
		.row = model_find(ask->loaded->model, name, length),
	};
}

/* ----------------------------------------------------------------- filters */

struct marks {
	uint64_t *bits;
	size_t known;
	json_t *lacking; /* a list, or NULL */
};

static bool mark(struct predict_request *ask, const char *name, size_t length,
		 void *context)
{
	struct marks *marks = context;
	size_t row = model_find(ask->loaded->model, name, length);

	if (row != SIZE_MAX) {
		bitset_set(marks->bits, row);
		marks->known++;
	} else if (marks->lacking != NULL) {
		json_array_append_new(marks->lacking,
				      json_stringn_nocheck(name, length));
	}
	return true;
}

/* Bits of the customers in a list. */
static bool read_marks(struct predict_request *ask, const char *field,
		       json_t *list, struct marks *marks)
{
	marks->bits = bitset_new(ask->loaded->model->matrix.n);
	return each_id(ask, field, list, mark, marks);
}

static bool read_among(struct predict_request *ask, json_t *list)
{
	struct marks marks = {0};
	bool good = read_marks(ask, "among", list, &marks);

	ask->allowed = marks.bits;
	if (good && marks.known == 0)
		return predict_request_fail(
			ask, NOT_FOUND, "among",
			"among: none of its customers is in the model");
	return good;
}

/* Take bits from those that are allowed. */
static void forbid(struct predict_request *ask, const uint64_t *bits)
{
	size_t n = ask->loaded->model->matrix.n;

	if (ask->allowed == NULL)
		ask->allowed = bitset_new_full(n);
	bitset_remove(ask->allowed, bits, n);
}

static bool read_not(struct predict_request *ask, json_t *list)
{
	struct marks marks = {0};
	bool good = read_marks(ask, "not", list, &marks);

	if (good)
		forbid(ask, marks.bits);
	free(marks.bits);
	return good;
}

/* ------------------------------------------------------------------- whose */

static bool read_handle(struct predict_request *ask, json_t *value,
			bool suggest)
{
	size_t length;
	const char *name = read_id(ask, "user_handle", &value, &length);

	if (name == NULL)
		return false;
	json_object_set_new(ask->body, "user_handle", value);
	ask->customers = alloc(1, sizeof *ask->customers);
	add_customer(ask, name, length);
	if (ask->customers[0].row == SIZE_MAX)
		return fail_unknown(ask, name, length, suggest);
	return true;
}

static bool take_user(struct predict_request *ask, const char *name,
		      size_t length, void *context)
{
	(void)context;
	add_customer(ask, name, length);
	return true;
}

static bool read_users(struct predict_request *ask, json_t *list)
{
	size_t count = json_array_size(list);

	if (json_is_array(list) &&
	    (count == 0 || count > REQUEST_MAX_CUSTOMERS))
		return predict_request_fail(ask, BAD_REQUEST, "users",
					    "users: %zu ids, expected 1 to %d",
					    count, REQUEST_MAX_CUSTOMERS);
	ask->customers = alloc(count, sizeof *ask->customers);
	ask->batch = true;
	return each_id(ask, "users", list, take_user, NULL);
}

static bool read_deed(struct predict_request *ask, const char *tag,
		      json_t *value, struct named_tag_value *deed)
{
	*deed = (struct named_tag_value){
		.tag = tag,
		.length = strlen(tag),
		.value = json_number_value(value),
	};
	if (!json_is_number(value) || fabs(deed->value) >= 1e18)
		return predict_request_fail(
			ask, BAD_REQUEST, "profile",
			"profile: %.100s: expected a number below "
			"10^18",
			tag);
	return true;
}

static bool read_profile(struct predict_request *ask, json_t *profile)
{
	struct named_tag_value *deeds;
	size_t count = 0;
	const char *tag;
	json_t *value;
	bool good = true;

	if (!json_is_object(profile) || json_object_size(profile) == 0)
		return predict_request_fail(
			ask, BAD_REQUEST, "profile",
			"profile: expected an object of tags, each "
			"with a number");
	deeds = alloc(json_object_size(profile), sizeof *deeds);
	json_object_foreach(profile, tag, value)
	{
		good = good && read_deed(ask, tag, value, &deeds[count]);
		count++;
	}
	if (good) {
		query_row_fold_in(&ask->guest, &ask->loaded->fold,
				  &ask->loaded->embed, deeds, count);
		ask->whose = WHOSE_GUEST;
		if (ask->guest.known == 0)
			good = predict_request_fail(
				ask, NOT_FOUND, "profile",
				"profile: the model knows none of its "
				"tags: the first is %.100s",
				ask->guest.unknown);
	}
	free(deeds);
	return good;
}

static bool read_like(struct predict_request *ask, json_t *list)
{
	struct marks marks = {.lacking = json_array()};
	const char *error = NULL;
	bool good = read_marks(ask, "like", list, &marks);

	ask->lacking = marks.lacking;
	if (good) {
		error = query_row_mean(&ask->audience, &ask->loaded->shards,
				       ask->metric, marks.bits, "");
		ask->whose = WHOSE_AUDIENCE;
		forbid(ask, marks.bits);
	}
	free(marks.bits);
	if (error != NULL)
		return predict_request_fail(ask, 500, NULL, "%s", error);
	if (good && ask->audience.customers == 0)
		return predict_request_fail(
			ask, NOT_FOUND, "like",
			"like: none of its customers is in the model "
			"with a tag that has weight");
	return good;
}

/* ------------------------------------------------------------------ fields */

static bool read_count(struct predict_request *ask, json_t *value)
{
	json_int_t most = json_object_get(ask->body, "like")
				  ? REQUEST_MAX_AUDIENCE
				  : REQUEST_MAX_NEIGHBOURS;
	json_int_t count;

	if (!read_whole(value, &count) || count < 1 || count > most)
		return predict_request_fail(
			ask, BAD_REQUEST, "n",
			"n: expected a whole number from 1 to %lld",
			(long long)most);
	ask->limit = (size_t)count;
	return true;
}

static bool set_metric(struct predict_request *ask, const char *word)
{
	for (int i = 0; word != NULL && metric_words[i] != NULL; i++)
		if (strcmp(metric_words[i], word) == 0) {
			const char *error = model_check_metric(
				ask->loaded->model, (enum metric)i);

			ask->metric = (enum metric)i;
			return error == NULL ||
			       predict_request_fail(ask, BAD_REQUEST, "metric",
						    "metric: %s", error);
		}
	return predict_request_fail(
		ask, BAD_REQUEST, "metric",
		"metric: expected \"combined\", \"embedding\", "
		"\"profile\" or \"dot\"");
}

static bool read_alpha(struct predict_request *ask, json_t *value)
{
	ask->alpha = json_number_value(value);
	if (json_is_number(value) && ask->alpha >= 0 && ask->alpha <= 1 &&
	    ask->metric == METRIC_COMBINED)
		return true;
	return predict_request_fail(ask, BAD_REQUEST, "alpha",
				    "alpha: expected a number from 0 to 1, "
				    "with the metric combined");
}

static bool read_least(struct predict_request *ask, json_t *value)
{
	ask->least = json_number_value(value);
	ask->has_least = true;
	if (!json_is_number(value) || !isfinite(ask->least))
		return predict_request_fail(
			ask, BAD_REQUEST, "min_similarity",
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
	ALPHA,
	LEAST,
	AMONG,
	NOT,
	FIELDS
};

static const char *const fields[FIELDS] = {
	[HANDLE] = "user_handle",
	[USERS] = "users",
	[PROFILE] = "profile",
	[LIKE] = "like",
	[COUNT] = "n",
	[METRIC] = "metric",
	[ALPHA] = "alpha",
	[LEAST] = "min_similarity",
	[AMONG] = "among",
	[NOT] = "not",
};

static bool read_field(struct predict_request *ask, enum field field,
		       json_t *value, bool suggest)
{
	switch (field) {
	case HANDLE:
		return read_handle(ask, value, suggest);
	case USERS:
		return read_users(ask, value);
	case PROFILE:
		return read_profile(ask, value);
	case LIKE:
		return read_like(ask, value);
	case COUNT:
		return read_count(ask, value);
	case METRIC:
		return set_metric(ask, json_string_value(value));
	case ALPHA:
		return read_alpha(ask, value);
	case LEAST:
		return read_least(ask, value);
	case AMONG:
		return read_among(ask, value);
	case NOT:
		return read_not(ask, value);
	case FIELDS:
		break;
	}
	return true;
}

/* Is each field known, and exactly one of those that say whose neighbours? */
static bool check_fields(struct predict_request *ask)
{
	const char *key, *subject = NULL;
	json_t *value;
	int subjects = 0;

	json_object_foreach(ask->body, key, value)
	{
		size_t i = 0;

		while (i < FIELDS && strcmp(fields[i], key) != 0)
			i++;
		if (i == FIELDS)
			return predict_request_fail(
				ask, BAD_REQUEST, key,
				"%.100s: no such field: expected "
				"user_handle, users, profile or like, "
				"and n, metric, alpha, min_similarity, among, "
				"not",
				key);
	}
	for (size_t i = SUBJECTS; i-- > 0;)
		if (json_object_get(ask->body, fields[i]) != NULL) {
			subject = fields[i];
			subjects++;
		}
	if (subjects == 0)
		return predict_request_fail(
			ask, BAD_REQUEST, "user_handle",
			"user_handle is missing: expected it, or "
			"users, profile or like");
	if (subjects > 1)
		return predict_request_fail(
			ask, BAD_REQUEST, subject,
			"expected one of user_handle, users, profile "
			"and like, found %d of them",
			subjects);
	return true;
}

/* What one request may keep a thread busy with: some seconds. */
static bool check_total(struct predict_request *ask)
{
	if (ask->count * ask->limit > REQUEST_MAX_AUDIENCE)
		return predict_request_fail(
			ask, BAD_REQUEST, "n",
			"n: %zu neighbours of %zu users: expected at "
			"most %d in all",
			ask->limit, ask->count, REQUEST_MAX_AUDIENCE);
	return true;
}

static bool check_least(struct predict_request *ask)
{
	if (ask->has_least && ask->metric != METRIC_DOT && fabs(ask->least) > 1)
		return predict_request_fail(
			ask, BAD_REQUEST, "min_similarity",
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

/* Read the body as JSON of any kind; NULL and an error where it is none. */
static json_t *read_json(const char *body, size_t size, json_error_t *error)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	json_t *read = json_loadb(body, size, flags, error);

	/* Whose field holds an integer beyond 64 bits, its reader can say. */
	if (read == NULL &&
	    json_error_code(error) == json_error_numeric_overflow)
		read = json_loadb(body, size, flags | JSON_DECODE_INT_AS_REAL,
				  error);
	return read;
}

static bool parse(struct predict_request *ask, const char *body, size_t size)
{
	static const char order_mark[] = "\xef\xbb\xbf";
	json_error_t error;

	if (size > 3 && memcmp(body, order_mark, 3) == 0) {
		body += 3;
		size -= 3;
	}
	ask->body = read_json(body, size, &error);
	if (ask->body == NULL && has_single_quote(body, size))
		return predict_request_fail(
			ask, BAD_REQUEST, NULL,
			"the body has single quotes: JSON wants double "
			"quotes, as in {\"user_handle\": 1}");
	if (ask->body == NULL)
		return predict_request_fail(
			ask, BAD_REQUEST, NULL,
			"the body is no JSON: line %d, column %d: "
			"%.160s",
			error.line, error.column, error.text);
	if (!json_is_object(ask->body))
		return predict_request_fail(ask, BAD_REQUEST, NULL,
					    "the body is no object: expected "
					    "{\"user_handle\": 1}");
	return true;
}

/* Read the fields from first to before end that the body has. */
static bool read_fields(struct predict_request *ask, enum field first,
			enum field end, bool suggest)
{
	for (enum field i = first; i < end; i++) {
		json_t *value = json_object_get(ask->body, fields[i]);

		if (value != NULL && !read_field(ask, i, value, suggest))
			return false;
	}
	return true;
}

bool predict_request_predict(struct predict_request *ask, const char *body,
			     size_t size, bool suggest)
{
	if (size == 0)
		return predict_request_fail(
			ask, BAD_REQUEST, NULL,
			"the body is empty: expected JSON such as "
			"{\"user_handle\": 1}");
	if (!parse(ask, body, size) || !check_fields(ask))
		return false;
	/* Filters before whose neighbours: what like and not forbid is taken
	 * from what among allows. */
	return read_fields(ask, SUBJECTS, FIELDS, suggest) &&
	       read_fields(ask, 0, SUBJECTS, suggest) && check_least(ask) &&
	       check_total(ask);
}

bool predict_request_similar(struct predict_request *ask, const char *name,
			     size_t length, const char *count,
			     const char *metric, bool suggest)
{
	int64_t limit;

	if (count != NULL) {
		if (!number_integer(count, 1, REQUEST_MAX_NEIGHBOURS, &limit))
			return predict_request_fail(
				ask, BAD_REQUEST, "n",
				"n: expected a whole number from 1 to "
				"%d",
				REQUEST_MAX_NEIGHBOURS);
		ask->limit = (size_t)limit;
	}
	if (metric != NULL && !set_metric(ask, metric))
		return false;
	ask->customers = alloc(1, sizeof *ask->customers);
	add_customer(ask, name, length);
	if (ask->customers[0].row == SIZE_MAX)
		return fail_unknown(ask, name, length, suggest);
	return true;
}
