/* Any bytes as a request to the service, of a small model: a path with its
 * headers, or a body.  Every answer is JSON or CSV, and ends nothing. */
#include <jansson.h>
#include <stdlib.h>

#include "base/json_memory.h"
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
	json_memory_begin();
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

/* A request, and the reply to it. */
struct trial {
	struct served_model *model;
	bool csv;
	const char *text; /* the customer's id where there are arguments, else
			     the body */
	size_t size;
	struct http_arguments *arguments;
	struct predict_reply answer;
};

static void answer(void *context)
{
	struct trial *trial = context;
	struct predict_reply *list[] = {&trial->answer};
	struct predict_request *request = &trial->answer.request;

	if (trial->arguments != NULL)
		request_read_similar(request, trial->text, trial->size,
				     trial->arguments, true);
	else
		request_read_body(request, trial->text, trial->size, true);
	if (request->error == NULL)
		predict_search_run(list, 1, 1);
	predict_reply_write(&trial->answer);
	predict_reply_return(&trial->answer);
	check(&trial->answer);
}

static void undo(void *context)
{
	struct trial *trial = context;

	predict_reply_fail(&trial->answer);
}

/* Once as it is, and where failing > 0 with that allocation failing, as
 * serve/predict_batch.h does. */
static void try(struct trial *trial, size_t failing)
{
	const struct predict_reply none = {.labels = &labels,
					   .csv = trial->csv};

	for (int i = 0; i < 1 + (failing > 0); i++) {
		trial->answer = none;
		predict_request_begin(&trial->answer.request, trial->model);
		atomic_store(&fuzz_allocations, i > 0 ? failing : 0);
		recovery_run(answer, trial, undo);
		atomic_store(&fuzz_allocations, 0);
		predict_reply_end(&trial->answer);
	}
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
static void get(char *path, size_t failing)
{
	char *rest = path + strcspn(path, "\n"), *id;
	static const char *const names[] = {"name"};
	struct http_arguments arguments = {0};
	struct trial trial = {.model = served[1], .arguments = &arguments};

	if (*rest != '\0')
		*rest++ = '\0';
	http_route(path, &id, &trial.size);
	trial.csv = http_wants_csv(rest);
	http_token_matches(rest, "token");
	http_etag_matches(rest, "\"tag\"");
	http_gzip_is_accepted(rest);
	http_host_is_known(rest, "0.0.0.0", names, 1);
	read_arguments(&arguments, rest);
	list(path, strlen(path));
	trial.text = id;
	if (id != NULL)
		try(&trial, failing);
	free(id);
	http_arguments_free(&arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	size_t failing = fuzz_failing(data, size);

	memcpy(text, data, size);
	text[size] = '\0';
	if (size > 0 && text[0] == '/')
		get(text, failing);
	else
		for (size_t i = 0; i < MODELS; i++) {
			struct trial trial = {.model = served[i],
					      .csv = size % 2 == 1,
					      .text = text,
					      .size = size};

			try(&trial, failing);
		}
	free(text);
	return 0;
}
