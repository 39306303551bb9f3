/* http_text: paths to routes, and what header fields mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/http_text.h"

static int failed;

static void check(int holds, const char *what)
{
	if (!holds) {
		printf("%s\n", what);
		failed = 1;
	}
}

/* The route, and the customer that it names, or NULL. */
static void check_route(const char *path, enum route expected,
			const char *customer)
{
	size_t length = 0;
	char *id = NULL;
	enum route route = http_route(path, &id, &length);

	if (route != expected)
		printf("%s: route %d\n", path, (int)route);
	check(route == expected, "another route");
	check((id == NULL) == (customer == NULL), path);
	if (id != NULL && customer != NULL)
		check(length == strlen(customer) && strcmp(id, customer) == 0,
		      path);
	free(id);
}

static void check_routes(void)
{
	check_route("/", ROUTE_PAGE, NULL);
	check_route("/predict", ROUTE_PREDICT, NULL);
	check_route("/predict/", ROUTE_NONE, NULL);
	check_route("//predict", ROUTE_NONE, NULL);
	check_route("/Predict", ROUTE_NONE, NULL);
	check_route("", ROUTE_NONE, NULL);
	check_route("/customers", ROUTE_CUSTOMERS, NULL);
	check_route("/customers/", ROUTE_NONE, NULL);
	check_route("/customers/1", ROUTE_CUSTOMER, "1");
	check_route("/customers/1/similar", ROUTE_SIMILAR, "1");
	check_route("/customers/1/similar/", ROUTE_NONE, NULL);
	check_route("/customers/1/other", ROUTE_NONE, NULL);
	check_route("/customers//similar", ROUTE_NONE, NULL);
	check_route("/customers/a%2Fb", ROUTE_CUSTOMER, "a/b");
	check_route("/customers/a%2fb%25/similar", ROUTE_SIMILAR, "a/b%");
	check_route("/customers/a+b", ROUTE_CUSTOMER, "a+b");
	check_route("/customers/similar/similar", ROUTE_SIMILAR, "similar");
	check_route("/customers/%00", ROUTE_NONE, NULL);
	check_route("/customers/%zz", ROUTE_NONE, NULL);
	check_route("/customers/%", ROUTE_NONE, NULL);
}

static void check_accept(void)
{
	check(!http_wants_csv(NULL) && !http_wants_csv(""), "no Accept");
	check(http_wants_csv("text/csv"), "CSV alone");
	check(http_wants_csv("Text/CSV; charset=x"), "CSV with a parameter");
	check(!http_wants_csv("*/*"), "anything");
	check(http_wants_csv("application/json;q=0.9, text/csv;q=0.95"),
	      "CSV with more weight");
	check(!http_wants_csv("application/json, text/csv"), "JSON first");
	check(!http_wants_csv("text/csv;q=0"), "no CSV");
	check(http_weight_of("br, gzip;q=0.25", "gzip") == 250, "a weight");
	check(http_weight_of("gzip", "gzip") == 1000, "the weight of one");
	check(http_weight_of("gzip;q=1.5", "gzip") == 1000, "a large weight");
	check(http_weight_of("xgzip, gzi", "gzip") == 0, "other names");
	check(http_weight_of("gzip ; q=0.123", "gzip") == 123, "blanks");
}

static void check_token(void)
{
	check(http_token_matches("Bearer secret", "secret"), "the token");
	check(http_token_matches("bearer secret", "secret"), "a small letter");
	check(http_token_matches("Bearer  secret \t", "secret"), "more blanks");
	check(!http_token_matches("Bearer sec ret", "secret"),
	      "a blank inside");
	check(!http_token_matches(NULL, "secret"), "none");
	check(!http_token_matches("Bearer ", "secret"), "an empty one");
	check(!http_token_matches("Bearer secre", "secret"), "a short one");
	check(!http_token_matches("Bearer secretsecret", "secret"), "twice");
	check(!http_token_matches("Basic secret", "secret"), "another scheme");
}

static void check_etag(void)
{
	check(http_etag_matches("*", "\"a\""), "any");
	check(http_etag_matches("W/\"a\"", "\"a\""), "a weak one");
	check(http_etag_matches("\"b\", \"a\"", "\"a\""), "one of two");
	check(!http_etag_matches("\"ab\"", "\"a\""), "a longer one");
	check(!http_etag_matches("a", "\"a\""), "without quotation marks");
	check(!http_etag_matches(NULL, "\"a\""), "none");
}

static bool known(const char *host, const char *bound)
{
	static const char *const names[] = {"similar.example", "serve"};

	return http_host_is_known(host, bound, names, 2);
}

static void check_hosts(void)
{
	static const char *const good[] = {
		"localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]",
		"[::1]:99",  "serve",        "Serve:5000",  "192.168.1.2:5",
		"127.1.2.3", "127.0.1.1:80",
	};
	static const char *const bad[] = {
		"",
		"localhost.",
		"localhost:x",
		"localhost:8 0",
		"example.org",
		"serve.org",
		"[::1",
		"[::1]x",
		"192.168.1.3",
		"a@localhost",
		"[::2]",
		"xserve",
		"127.example.org",
		"127.1",
	};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		check(known(good[i], "192.168.1.2"), good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check(!known(bad[i], "192.168.1.2"), bad[i]);
	check(known("10.9.8.7:5", "0.0.0.0"), "any address, bound to all");
	check(known("[fe80::1]", "::"), "any of version 6, bound to all");
	check(!known("example.org", "0.0.0.0"), "a name, bound to all");
	check(known("[fe80::1]:5", "fe80::1"), "the address bound");
}

int main(void)
{
	check_routes();
	check_accept();
	check_token();
	check_etag();
	check_hosts();
	return failed;
}
