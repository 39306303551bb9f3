#include "serve/request_customers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/json_memory.h"
#include "base/number.h"
#include "base/utf8.h"
#include "explain/customer_list.h"
#include "text/name_fields.h"

/* Of HTTP. */
enum { BAD_REQUEST = 400, NOT_FOUND = 404, INTERNAL_ERROR = 500 };

/* Doubles from here on stand for more than one whole number. */
static const double inexact = 9007199254740992; /* 2^53 */

bool request_read_whole(const json_t *value, json_int_t *whole)
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

/* An id: a string, or a whole number, which is turned into one.  *value becomes
 * that string, a new reference; NULL where the value is neither. */
static const char *read_id(struct predict_request *request, const char *field,
			   json_t **value, size_t *length)
{
	char text[NUMBER_TEXT];
	json_int_t whole;

	if (request_read_whole(*value, &whole)) {
		snprintf(text, sizeof text, "%lld", (long long)whole);
		*value = json_string(text);
	} else if (json_is_string(*value)) {
		json_incref(*value);
	} else if (json_is_real(*value) &&
		   fabs(json_real_value(*value)) >= inexact) {
		predict_request_fail(
			request, BAD_REQUEST, field,
			"%s: a number of so many digits: write the id as a "
			"string",
			field);
		return NULL;
	} else {
		predict_request_fail(
			request, BAD_REQUEST, field,
			"%s: expected a customer's id: a string or a whole "
			"number",
			field);
		return NULL;
	}
	*length = json_string_length(*value);
	return json_string_value(*value);
}

/* Call take for each id in the list of a field; the ids live as long as the
 * body.  False where it is no list of ids, or take returned false. */
static bool
for_each_id(struct predict_request *request, const char *field, json_t *list,
	    bool (*take)(struct predict_request *request, const char *name,
			 size_t length, void *context),
	    void *context)
{
	size_t i;
	json_t *value;

	if (!json_is_array(list))
		return predict_request_fail(
			request, BAD_REQUEST, field,
			"%s: expected a list of customers' ids", field);
	json_array_foreach(list, i, value)
	{
		size_t length;
		const char *name = read_id(request, field, &value, &length);

		if (name == NULL)
			return false;
		json_check(json_array_set_new(list, i, value));
		if (!take(request, name, length, context))
			return false;
	}
	return true;
}

/* Say that there is no such customer. */
static bool fail_unknown(struct predict_request *request, const char *name,
			 size_t length, bool suggest)
{
	char near[512] = "";

	if (suggest)
		model_near(request->served->model, name, length, near,
			   sizeof near);
	return predict_request_fail(request, NOT_FOUND, "user_handle",
				    "no customer %.*s%s%s",
				    (int)utf8_cut(name, length, 200), name,
				    *near ? "; near: " : "", near);
}

static void add_customer(struct predict_request *request, const char *name,
			 size_t length, size_t row)
{
	request->customers[request->count++] = (struct request_customer){
		.name = name, .length = length, .row = row};
}

/* The row of a customer; ROW_NONE where the model has none.  An id that is not
 * UTF-8 can be asked for as JSON shows it, with % and two digits for a byte. */
static size_t find_customer(const struct predict_request *request,
			    const char *name, size_t length)
{
	return text_array_find_shown(&request->served->model->matrix.users,
				     name, length);
}

/* The row of a customer in a list, whose ids may be as lines of a file: with
 * quotes, blanks or a second column; ROW_NONE where the model has none. */
static size_t find_listed(const struct predict_request *request,
			  const char *name, size_t length)
{
	const struct model *model = request->served->model;
	size_t row = find_customer(request, name, length);
	char *copy, *text;

	if (row != ROW_NONE || length == 0)
		return row;
	text = copy = alloc_text(name, length);
	row = customer_list_find(model, &text, &length);
	free(copy);
	return row;
}

/* The customers in a list of ids. */
struct id_set {
	uint64_t *bits;     /* of rows of the model */
	size_t given;       /* ids, doubled ones counted twice, a header not */
	bool headed;        /* the first was a header */
	size_t known;       /* those that the model has */
	size_t max_unknown; /* how many of the others are kept */
	json_t *unknown;    /* those */
};

static bool add_id(struct predict_request *request, const char *name,
		   size_t length, void *context)
{
	struct id_set *set = context;
	size_t row = find_listed(request, name, length);

	if (row == ROW_NONE && set->given == 0 && !set->headed &&
	    customer_list_is_header(request->served->model, name)) {
		set->headed = true;
		return true;
	}
	set->given++;
	if (row != ROW_NONE) {
		bitset_set(set->bits, row);
		set->known++;
	} else if (json_array_size(set->unknown) < set->max_unknown) {
		json_check(json_array_append_new(
			set->unknown, json_stringn_nocheck(name, length)));
	}
	return true;
}

/* Set->bits and set->unknown are set in any case, and the caller's. */
static bool read_id_set(struct predict_request *request, const char *field,
			json_t *list, struct id_set *set)
{
	set->bits = bitset_new(request->served->model->matrix.n);
	set->unknown = alloc_check(json_array());
	return for_each_id(request, field, list, add_id, set);
}

/* The same of a list that filters neighbours; *found is what the reply says of
 * it.  It is an error that the model has none of its ids, unless it may be
 * empty. */
static bool read_filter(struct predict_request *request, const char *field,
			json_t *list, bool may_be_empty,
			struct request_list *found, uint64_t **bits)
{
	struct id_set set = {.max_unknown = REQUEST_UNKNOWN_SHOWN};
	bool valid = read_id_set(request, field, list, &set);

	*bits = set.bits;
	*found = (struct request_list){
		.given = set.given, .known = set.known, .unknown = set.unknown};
	if (valid && set.known == 0 && !may_be_empty)
		return predict_request_fail(
			request, NOT_FOUND, field,
			"%s: none of its customers is in the model", field);
	return valid;
}

bool request_read_among(struct predict_request *request, json_t *list)
{
	return read_filter(request, "among", list, false, &request->among,
			   &request->allowed);
}

/* Remove rows from those that are allowed. */
static void disallow(struct predict_request *request, const uint64_t *bits)
{
	size_t n = request->served->model->matrix.n;

	if (request->allowed == NULL)
		request->allowed = bitset_new_full(n);
	bitset_remove(request->allowed, bits, n);
}

bool request_read_not(struct predict_request *request, json_t *list)
{
	uint64_t *bits;
	bool may_be_empty =
		request->ignore_unknown || json_array_size(list) == 0;
	bool valid = read_filter(request, "not", list, may_be_empty,
				 &request->without, &bits);

	if (valid)
		disallow(request, bits);
	free(bits);
	return valid;
}

bool request_set_customer(struct predict_request *request, const char *name,
			  size_t length, bool suggest)
{
	request->customers = alloc(1, sizeof *request->customers);
	add_customer(request, name, length,
		     find_customer(request, name, length));
	if (request->customers[0].row == ROW_NONE)
		return fail_unknown(request, name, length, suggest);
	return true;
}

bool request_read_handle(struct predict_request *request, json_t *value,
			 bool suggest)
{
	size_t length;
	const char *name;

	if (json_is_array(value))
		return predict_request_fail(
			request, BAD_REQUEST, "user_handle",
			"user_handle: expected the id of one customer; users "
			"is the field for several");
	name = read_id(request, "user_handle", &value, &length);
	if (name == NULL)
		return false;
	json_check(json_object_set_new(request->body, "user_handle", value));
	return request_set_customer(request, name, length, suggest);
}

static bool take_user(struct predict_request *request, const char *name,
		      size_t length, void *context)
{
	(void)context;
	add_customer(request, name, length, find_listed(request, name, length));
	return true;
}

bool request_read_users(struct predict_request *request, json_t *list)
{
	size_t count = json_array_size(list);

	if (json_is_array(list) &&
	    (count == 0 || count > REQUEST_MAX_CUSTOMERS))
		return predict_request_fail(request, BAD_REQUEST, "users",
					    "users: %zu ids, expected 1 to %d",
					    count, REQUEST_MAX_CUSTOMERS);
	request->customers = alloc(count, sizeof *request->customers);
	request->batch = true;
	return for_each_id(request, "users", list, take_user, NULL);
}

/* A tag as the reply shows it becomes that of the model; seen: bits of those
 * that were read before. */
static bool read_tag_value(struct predict_request *request, const char *tag,
			   json_t *value, uint64_t *seen,
			   struct named_tag_value *entry)
{
	const struct text_array *tags = &request->served->model->matrix.tags;
	size_t column = text_array_find_shown(tags, tag, strlen(tag));

	*entry = (struct named_tag_value){
		.tag = tag,
		.length = strlen(tag),
		.value = json_number_value(value),
	};
	if (column != SIZE_MAX) {
		if (bitset_test(seen, column))
			return predict_request_fail(
				request, BAD_REQUEST, "profile",
				"profile: %.*s stands there twice",
				(int)utf8_cut(tag, strlen(tag), 100), tag);
		bitset_set(seen, column);
		entry->tag = text_array_at(tags, column, &entry->length);
	}
	if (!json_is_number(value) || fabs(entry->value) >= 1e18)
		return predict_request_fail(
			request, BAD_REQUEST, "profile",
			"profile: %.*s: expected a number below "
			"10^18",
			(int)utf8_cut(tag, strlen(tag), 100), tag);
	return true;
}

bool request_read_profile(struct predict_request *request, json_t *profile)
{
	struct named_tag_value *tags;
	uint64_t *seen;
	size_t count = 0;
	const char *tag;
	json_t *value;
	bool valid = true;

	if (!json_is_object(profile) || json_object_size(profile) == 0)
		return predict_request_fail(
			request, BAD_REQUEST, "profile",
			"profile: expected an object of tags, each "
			"with a number");
	tags = alloc(json_object_size(profile), sizeof *tags);
	seen = bitset_new(request->served->model->matrix.m);
	json_object_foreach(profile, tag, value)
	{
		valid = valid &&
			read_tag_value(request, tag, value, seen, &tags[count]);
		count++;
	}
	if (valid) {
		query_row_fold_in(&request->row, &request->served->fold,
				  &request->served->embed, tags, count);
		request->kind = REQUEST_PROFILE;
		if (request->row.known == 0)
			valid = predict_request_fail(
				request, NOT_FOUND, "profile",
				"profile: the model knows none of its "
				"tags: the first is %.*s",
				(int)utf8_cut(request->row.unknown,
					      strlen(request->row.unknown),
					      100),
				request->row.unknown);
	}
	free(seen);
	free(tags);
	return valid;
}

bool request_read_like(struct predict_request *request, json_t *list)
{
	struct id_set set = {.max_unknown = SIZE_MAX};
	const char *error = NULL;
	bool valid = read_id_set(request, "like", list, &set);

	request->unknown = set.unknown;
	if (valid) {
		error = query_row_mean(&request->row, &request->served->shards,
				       request->metric, set.bits, "");
		request->kind = REQUEST_GROUP;
		disallow(request, set.bits);
	}
	request->seeds = set.bits;
	if (error != NULL)
		return predict_request_fail(request, INTERNAL_ERROR, NULL, "%s",
					    error);
	if (valid && request->row.customers == 0)
		return predict_request_fail(
			request, NOT_FOUND, "like",
			"like: none of its customers is in the model "
			"with a tag that has weight");
	return valid;
}

/* Does a list of ids, as in the only line of a file, stand in the only text of
 * an array?  False where it is one id, perhaps with a second column. */
static bool split_only_text(const struct predict_request *request,
			    const json_t *value, struct name_fields *ids)
{
	const json_t *only = json_array_get(value, 0);
	bool two;

	return json_array_size(value) == 1 && json_is_string(only) &&
	       find_customer(request, json_string_value(only),
			     json_string_length(only)) == ROW_NONE &&
	       name_fields_split(ids, json_string_value(only),
				 json_string_length(only), &two);
}

json_t *request_split_ids(const struct predict_request *request,
			  const json_t *value)
{
	struct name_fields ids = {0};
	const char *id = NULL;
	json_t *list;

	if (json_is_string(value))
		name_fields_cut(&ids, json_string_value(value),
				json_string_length(value), ",; \t\r\n");
	else if (!split_only_text(request, value, &ids))
		return NULL;
	list = alloc_check(json_array());
	while ((id = name_fields_next(&ids, id)) != NULL) {
		json_t *text = json_string_nocheck(id);

		json_check(json_array_append_new(list, text));
	}
	name_fields_free(&ids);
	return list;
}
