/* predict_request: what a request asks as it is read from JSON: defaults,
 * fields, lists, and what is refused with which status and field.
 *
 * usage: unit-predict_request MODEL
 * MODEL has the customers a and b, and the tags t and u. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bitset.h"
#include "serve/predict_request.h"
#include "serve/request_reader.h"

static int failed;
static struct served_model *served;

static void check(int holds, const char *what, const char *body)
{
	if (!holds) {
		printf("%s: %s\n", body, what);
		failed = 1;
	}
}

/* Read a body; predict_request_end is due. */
static bool read_body(struct predict_request *request, const char *body)
{
	predict_request_begin(request, served);
	return request_read_body(request, body, strlen(body), false);
}

static void check_default(void)
{
	const char *body = "{\"user_handle\": \"a\"}";
	struct predict_request request;

	check(read_body(&request, body), "is read", body);
	check(request.kind == REQUEST_CUSTOMERS && request.count == 1 &&
		      request.customers[0].row == 0,
	      "the customer", body);
	check(request.limit == 10 && request.metric == served->metric &&
		      request.alpha == DEFAULT_ALPHA && request.recall == 0,
	      "the defaults", body);
	check(!request.has_min_similarity && isinf(request.min_similarity) &&
		      request.allowed == NULL && !request.batch &&
		      !request.without_why && !request.ignore_unknown,
	      "nothing else", body);
	predict_request_end(&request);
	predict_request_end(&request); /* twice is allowed */
}

static void check_fields(void)
{
	const char *body =
		"{\"users\": [\"a\", \"nobody\", \"b \"], \"n\": 3e0,"
		"\"metric\": \"embedding\", \"min_similarity\": -0.5,"
		"\"why\": false, \"not\": [\"b\", \"x\"]}";
	struct predict_request request;

	check(read_body(&request, body), "is read", body);
	check(request.batch && request.count == 3, "a list", body);
	check(request.customers[0].row == 0 &&
		      request.customers[1].row == ROW_NONE &&
		      request.customers[2].row == 1,
	      "its rows", body);
	check(request.limit == 3 && request.metric == METRIC_EMBEDDING &&
		      request.has_min_similarity &&
		      request.min_similarity == -0.5 && request.without_why,
	      "the fields", body);
	check(request.allowed != NULL && bitset_test(request.allowed, 0) &&
		      !bitset_test(request.allowed, 1),
	      "who may be a neighbour", body);
	check(request.without.given == 2 && request.without.known == 1 &&
		      json_array_size(request.without.unknown) == 1,
	      "what is told of the list", body);
	predict_request_end(&request);
}

/* A body that is refused. */
static void check_refused(const char *body, int status, const char *field)
{
	struct predict_request request;

	check(!read_body(&request, body), "is refused", body);
	check(request.status == status, "the status", body);
	check(request.error != NULL && *request.error != '\0', "a text", body);
	check((request.field == NULL) == (field == NULL), "a field", body);
	if (request.field != NULL && field != NULL)
		check(strcmp(request.field, field) == 0, request.field, body);
	predict_request_end(&request);
}

static void check_refusals(void)
{
	check_refused("", 400, NULL);
	check_refused("{", 400, NULL);
	check_refused("[]", 400, NULL);
	check_refused("{}", 400, "user_handle");
	check_refused("{\"user_handle\": \"c\"}", 404, "user_handle");
	check_refused("{\"user_handle\": \"a\", \"n\": 0}", 400, "n");
	check_refused("{\"user_handle\": \"a\", \"like\": []}", 400,
		      "user_handle");
	check_refused("{\"user_handle\": \"a\", \"not\": \"x\"}", 404, "not");
	check_refused("{\"user_handle\": \"a\", \"among\": []}", 404, "among");
	check_refused("{\"user_handle\": \"a\", \"recall\": 0.9}", 400,
		      "recall");
	check_refused("{\"profile\": {\"x\": 1}}", 404, "profile");
	check_refused("{\"user_handle\": \"a\", \"extra\": 1}", 400, "extra");
}

static void check_others(void)
{
	struct predict_request request;
	const char *profile = "{\"profile\": {\"t\": 2, \"x\": 1}}";
	const char *like = "{\"like\": \"a, nobody;b\"}";
	const char *none = "{\"user_handle\": \"a\", \"not\": \"x\", "
			   "\"ignore_unknown\": true}";

	check(read_body(&request, profile) && request.kind == REQUEST_PROFILE &&
		      request.row.known == 1,
	      "a new customer", profile);
	predict_request_end(&request);
	check(read_body(&request, like) && request.kind == REQUEST_GROUP &&
		      request.row.customers == 2 &&
		      json_array_size(request.unknown) == 1,
	      "a group, as text", like);
	predict_request_end(&request);
	check(read_body(&request, none) && request.without.known == 0,
	      "unknown ids that are ignored", none);
	predict_request_end(&request);
}

int main(int argc, char **argv)
{
	const struct display_names labels = {0};
	const struct served_model_options options = {
		.path = argc > 1 ? argv[1] : "", .labels = &labels};
	const char *error;

	served = served_model_open(&options, 1, &error);
	if (served == NULL) {
		printf("%s\n", error);
		return 1;
	}
	check_default();
	check_fields();
	check_refusals();
	check_others();
	served_model_release(served);
	return failed;
}
