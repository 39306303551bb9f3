/* cs-serve: neighbours, and why, over HTTP: POST /predict, a page, metrics.
 *
 * What an answer says is serve/predict_reply.h's; how it travels,
 * serve/http_server.h's. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/display_names.h"
#include "base/options.h"
#include "serve/http_server.h"
#include "base/io.h"
#include "base/thread_pool.h"

enum { KEY_NAMES = 256, KEY_WHO, KEY_TOKEN, KEY_LOG, KEY_SUGGEST };

static const struct option_row rows[] = {
	{"where:", 'p', "port", "PORT", "port; 0: any that is free [5000]"},
	{NULL, 'b', "bind", "ADDRESS", "address [127.0.0.1]"},
	{NULL, KEY_TOKEN, "token-file", "FILE",
	 "ask for the bearer token in FILE"},
	{"what:", KEY_NAMES, "names", "FILE[:ID,NAME]",
	 "names of tags, to show beside them"},
	{NULL, KEY_WHO, "who", "FILE[:ID,NAME]", "names of customers"},
	{NULL, KEY_SUGGEST, "suggest", NULL,
	 "an unknown customer's error names near ones"},
	{NULL, KEY_LOG, "log", NULL, "write a line of JSON for each request"},
	OPTION_THREADS,
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-serve",
	.usage = "cs-serve [OPTION]... MODEL",
	.purpose =
		"Answer over HTTP who is similar, and why: POST /predict, and "
		"a page for people.\n"
		"A MODEL that is replaced (mv, or -o of cs-svd) is loaded and "
		"takes over.",
	.footer =
		"exit: 0 ended by SIGTERM or SIGINT; 2 wrong use, or it could "
		"not begin\n"
		"  cs-serve emb.bin\n"
		"  curl -d '{\"user_handle\": 1}' "
		"http://127.0.0.1:5000/predict\n"
		"The manual page, cs-serve(1), has the rest.",
	.rows = rows,
};

enum { LONGEST_TOKEN = 4096 };

/* The text of a file, without the line's end. */
static char *read_token(const char *path)
{
	char *token = alloc(LONGEST_TOKEN + 1, 1);
	struct input input;
	size_t length = 0, got;

	input_open(&input, path);
	while (length < LONGEST_TOKEN &&
	       (got = input_read(&input, token + length,
				 LONGEST_TOKEN - length)) > 0)
		length += got;
	input_close(&input);
	token[strcspn(token, "\r\n")] = '\0';
	if (*token == '\0' || length == LONGEST_TOKEN)
		die("%s: expected a token on its first line", path);
	return token;
}

static void take_option(struct http_server_options *choices, int key)
{
	switch (key) {
	case 'p':
		options_integer(0, 65535);
		choices->port = optarg;
		break;
	case 'b':
		choices->address = optarg;
		break;
	case 'j':
		choices->threads = options_threads();
		break;
	case KEY_NAMES:
		display_names_read(&choices->labels.tags, "--names", optarg);
		break;
	case KEY_WHO:
		display_names_read(&choices->labels.customers, "--who", optarg);
		break;
	case KEY_TOKEN:
		free(choices->token);
		choices->token = read_token(optarg);
		break;
	case KEY_LOG:
		choices->log = true;
		break;
	case KEY_SUGGEST:
		choices->suggest = true;
		break;
	}
}

int main(int argc, char **argv)
{
	struct http_server_options choices = {.address = "127.0.0.1",
					      .port = "5000"};

	options_begin(&text, argc, argv);
	choices.threads = thread_pool_processors();
	for (int key; (key = options_next()) != -1;)
		take_option(&choices, key);
	if (argc - optind != 1)
		die_usage("expected one MODEL");
	choices.model = argv[optind];
	if (strcmp(choices.model, "-") == 0)
		die_usage("MODEL: a file, which may be replaced, and not "
			  "standard input");
	http_server_run(&choices);
	display_names_free(&choices.labels);
	free(choices.token);
	return STATUS_DONE;
}
