/* cs-serve: neighbours, and why, over HTTP: POST /predict, a page, metrics.
 *
 * What an answer says is serve/predict_reply.h's; how it travels,
 * serve/http_server.h's. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/display_names.h"
#include "base/options.h"
#include "serve/http_server.h"
#include "serve/http_text.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/number.h"
#include "base/utf8.h"
#include "search/search_query.h"

enum {
	KEY_NAMES = 256,
	KEY_WHO,
	KEY_TOKEN,
	KEY_LOG,
	KEY_SUGGEST,
	KEY_HOST,
	KEY_ORIGIN,
	KEY_GRACE,
	KEY_METRIC,
	KEY_ALPHA,
	KEY_RECALL,
	KEY_SEGMENTS,
	KEY_REPORT,
	KEY_CLIENT
};

static struct http_server_options server = {.address = "127.0.0.1",
					    .port = "5000"};
static struct option_list hosts;
static enum metric metric;
static double alpha;

static void set_port(const char *port);
static void set_origin(const char *origin);
static void add_tag_names(const char *file);
static void add_customer_names(const char *file);
static void read_token(const char *path);
static void set_metric(const char *word);
static void set_alpha(const char *word);

static const struct option_row rows[] = {
	{"Connections", 'p', "port", "PORT", "port; 0: any that is free [5000]",
	 OPTION_TO_FUNCTION(set_port)},
	{NULL, 'b', "bind", "ADDRESS", "address [127.0.0.1]",
	 OPTION_TO_TEXT(server.address)},
	{NULL, KEY_TOKEN, "token-file", "FILE",
	 "ask for the bearer token in FILE", OPTION_TO_FUNCTION(read_token)},
	{NULL, KEY_HOST, "host", "NAME", "answer to NAME, too (Host:)",
	 OPTION_TO_LIST(hosts)},
	{NULL, KEY_ORIGIN, "allow-origin", "ORIGIN",
	 "let pages of ORIGIN ask; *: of all", OPTION_TO_FUNCTION(set_origin)},
	{NULL, KEY_CLIENT, "per-client", "N", "connections of one client [256]",
	 OPTION_TO_INTEGER(server.per_client, 1, 4096)},
	{NULL, KEY_GRACE, "grace", "N",
	 "seconds of 503 by /readyz at the end [0]",
	 OPTION_TO_INTEGER(server.grace, 0, 3600)},
	{"Answers", KEY_NAMES, "names", "FILE[:ID,NAME]",
	 "names of tags, to show beside them",
	 OPTION_TO_FUNCTION(add_tag_names)},
	{NULL, KEY_WHO, "who", "FILE[:ID,NAME]", "names of customers",
	 OPTION_TO_FUNCTION(add_customer_names)},
	{NULL, KEY_SUGGEST, "suggest", NULL,
	 "an unknown customer's error names near ones",
	 OPTION_TO_FLAG(server.suggest, true)},
	{NULL, KEY_LOG, "log", NULL, "write a line of JSON for each request",
	 OPTION_TO_FLAG(server.log, true)},
	{NULL, KEY_METRIC, "metric", "M",
	 "unless asked for: combined, embedding, profile",
	 OPTION_TO_FUNCTION(set_metric)},
	{NULL, KEY_ALPHA, "alpha", "A",
	 "likewise, of combined: weight of embeddings [1]",
	 OPTION_TO_FUNCTION(set_alpha)},
	{NULL, KEY_RECALL, "recall", "R",
	 "search by the index, with that recall@10",
	 OPTION_TO_REAL(server.recall, 1e-9, 1)},
	{NULL, KEY_SEGMENTS, "segments", "FILE",
	 "segments of customers (cs-segment)", OPTION_TO_FILE(server.segments)},
	{NULL, KEY_REPORT, "report", "FILE",
	 "dates of the events (cs-aggregate --report)",
	 OPTION_TO_FILE(server.report)},
	OPTION_THREADS_TO(server.threads),
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

static void set_port(const char *port)
{
	options_integer(0, 65535);
	server.port = port;
}

/* As browsers send it: a scheme and a host, perhaps a port, and no path. */
static void set_origin(const char *origin)
{
	const char *host = strstr(origin, "://");

	if (strcmp(origin, "*") != 0 &&
	    (host == NULL || host == origin || host[3] == '\0' ||
	     host[3 + strcspn(host + 3, "/?#@\t\r\n ")] != '\0'))
		die_usage("--allow-origin: expected an origin such as "
			  "https://shop.example, or *");
	server.origin = origin;
}

/* Ends the process where no header field Host can have one of the names. */
static void check_hosts(void)
{
	for (size_t i = 0; i < hosts.count; i++) {
		const char *name = hosts.texts[i];

		if (*name == '\0' || name[strcspn(name, "/@\t\r\n ")] != '\0' ||
		    !http_host_is_known(name, "", &name, 1))
			die_usage("--host: \"%s\": expected a name such as "
				  "shop.example, without a port",
				  name);
	}
}

static void add_tag_names(const char *file)
{
	display_names_read(&server.labels.tags, "--names", file);
}

static void add_customer_names(const char *file)
{
	display_names_read(&server.labels.customers, "--who", file);
}

enum { LONGEST_TOKEN = 4096 };

/* The token is the file's first line, without the blanks around it: so a header
 * field is read. */
static void read_token(const char *path)
{
	char *bytes = alloc(LONGEST_TOKEN + 1, 1);
	const char *first;
	struct input input;
	size_t length = 0, got, size;

	input_open(&input, path);
	while (length < LONGEST_TOKEN &&
	       (got = input_read(&input, bytes + length,
				 LONGEST_TOKEN - length)) > 0)
		length += got;
	input_close(&input);
	first = bytes;
	size = strcspn(bytes, "\r\n");
	utf8_trim(&first, &size);
	if (size == 0 || length == LONGEST_TOKEN)
		die("%s: expected a token on its first line", path);
	free(server.token);
	server.token = alloc_text(first, size);
	free(bytes);
}

/* METRIC_DOT has no quantiles, which replies state. */
static void set_metric(const char *word)
{
	if (!metric_from_word(word, &metric) || metric == METRIC_DOT)
		die_usage("--metric: \"%s\": expected combined, embedding or "
			  "profile",
			  word);
	server.metric = &metric;
}

static void set_alpha(const char *word)
{
	if (!number_real(word, &alpha) || !(alpha >= 0 && alpha <= 1))
		die_usage("--alpha: expected a number from 0 to 1, found "
			  "\"%s\"",
			  word);
	server.alpha = &alpha;
}

/* The same of --recall, --metric and --alpha as of a request's fields. */
static void check_metric(void)
{
	if (server.recall > 0 && server.metric != NULL &&
	    metric != METRIC_EMBEDDING)
		die_usage("--recall: an index is of embeddings: expected "
			  "--metric embedding");
	if (server.alpha != NULL && server.metric != NULL &&
	    metric != METRIC_COMBINED)
		die_usage("--alpha: of --metric combined, not of --metric %s",
			  metric_words[metric]);
}

int main(int argc, char **argv)
{
	const char *error;
	bool busy;

	server.threads = machine_limits_processors();
	char **models = options_read(&text, argc, argv);
	if (models[0] == NULL || models[1] != NULL)
		die_usage("expected one MODEL");
	server.model = models[0];
	if (strcmp(server.model, "-") == 0)
		die_usage("MODEL: a file, which may be replaced, and not "
			  "standard input");
	check_hosts();
	check_metric();
	server.hosts = hosts.texts;
	server.host_count = hosts.count;
	server.version = options_version;
	error = http_server_run(&server, &busy);
	die_if(error);
	if (busy)
		_exit(STATUS_DONE);
	display_names_free(&server.labels);
	free(hosts.texts);
	free(server.token);
	return STATUS_DONE;
}
