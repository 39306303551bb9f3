/* Any bytes as a request to the service, of a small model: a path with its
 * headers, or a body.  Every answer is JSON or CSV, and ends nothing. */
#include <jansson.h>
#include <stdlib.h>

#include "serve/model_reply.h"
#include "serve/predict_reply.h"
#include "serve/predict_search.h"
#include "serve/request_reader.h"
#include "fuzz.h"
#include "serve/served_model.h"
#include "serve/http_arguments.h"
#include "serve/http_gzip.h"
#include "serve/http_text.h"

/* The second has an index. */
enum { MODELS = 2 };
static struct served_model *served[MODELS];
static struct display_names labels;

int LLVMFuzzerInitialize(int *count, char ***arguments);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	static const char *const paths[MODELS] = {
		"tests/fuzz/seeds-model/model",
		"tests/fuzz/seeds-model/indexed"};
	const char *error;

	(void)count;
	(void)arguments;
	for (size_t i = 0; i < MODELS; i++) {
		const struct served_model_options options = {.path = paths[i],
							     .labels = &labels};

		served[i] = served_model_open(&options, 1, &error);
		if (served[i] == NULL)
			__builtin_trap();
	}
	return 0;
}

/* What is answered can be read, and has a status that we know. */
static void check(const struct predict_reply *answer)
{
	json_t *read;

	if (answer->status != 200 && answer->status != 400 &&
	    answer->status != 404)
		__builtin_trap();
	if (answer->type != predict_reply_json)
		return;
	read = json_loadb((const char *)answer->body.buffer, answer->body.held,
			  0, NULL);
	if (!json_is_object(read))
		__builtin_trap();
	json_decref(read);
}

static void predict_reply_one(struct predict_reply *answer)
{
	struct predict_reply *list[] = {answer};

	if (answer->request.error == NULL)
		predict_search_run(list, 1, 1);
	predict_reply_write(answer);
	predict_reply_return(answer);
	check(answer);
}

static void post(struct served_model *model, const char *body, size_t size,
		 bool csv)
{
	struct predict_reply answer = {.labels = &labels, .csv = csv};

	predict_request_begin(&answer.request, model);
	request_read_body(&answer.request, body, size, true);
	predict_reply_one(&answer);
	predict_reply_end(&answer);
}

static void list(const char *prefix, size_t length)
{
	struct output body;

	output_memory(&body);
	model_reply_customers(&body, served[0], &labels, prefix, length,
			      length % 3, 3);
	free(body.buffer);
}

/* Arguments such as n=3&metric=dot, which are changed. */
static void read_arguments(struct http_arguments *arguments, char *text)
{
	for (char *next; *text != '\0'; text = next) {
		char *value = text + strcspn(text, "&");

		next = value + (*value == '&');
		*value = '\0';
		value = text + strcspn(text, "=");
		if (*value != '\0')
			*value++ = '\0';
		http_arguments_add(arguments, ~0u, text, value);
	}
}

/* A path, and after a newline what stands in headers and arguments. */
static void get(char *path)
{
	char *rest = path + strcspn(path, "\n"), *id;
	static const char *const names[] = {"name"};
	struct predict_reply answer = {.labels = &labels};
	struct http_arguments arguments = {0};
	size_t length;

	if (*rest != '\0')
		*rest++ = '\0';
	http_route(path, &id, &length);
	answer.csv = http_wants_csv(rest);
	http_token_matches(rest, "token");
	http_etag_matches(rest, "\"tag\"");
	http_gzip_is_accepted(rest);
	http_host_is_known(rest, "0.0.0.0", names, 1);
	read_arguments(&arguments, rest);
	list(path, strlen(path));
	if (id != NULL) {
		predict_request_begin(&answer.request, served[1]);
		request_read_similar(&answer.request, id, length, &arguments,
				     true);
		predict_reply_one(&answer);
		predict_reply_end(&answer);
	}
	free(id);
	http_arguments_free(&arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (size > 0 && text[0] == '/')
		get(text);
	else
		for (size_t i = 0; i < MODELS; i++)
			post(served[i], text, size, size % 2 == 1);
	free(text);
	return 0;
}
