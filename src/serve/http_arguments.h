/* http_arguments: the arguments of a URL, each known and given once. */
#ifndef SERVE_HTTP_ARGUMENTS_H
#define SERVE_HTTP_ARGUMENTS_H

#include <stdbool.h>

enum http_argument {
	ARGUMENT_N,
	ARGUMENT_METRIC,
	ARGUMENT_RECALL,
	ARGUMENT_MIN_SIMILARITY,
	ARGUMENT_AMONG,
	ARGUMENT_NOT,
	ARGUMENT_WHY,
	ARGUMENT_IGNORE_UNKNOWN,
	ARGUMENT_SAFE,
	ARGUMENT_PREFIX,
	ARGUMENT_SEARCH,
	ARGUMENT_LIMIT,
	ARGUMENT_CURSOR,
	ARGUMENTS
};

/* Zero at first. */
struct http_arguments {
	char *values[ARGUMENTS]; /* owned, unescaped; NULL: not given */
	const char *field;       /* of the first error: its name, or NULL */
	char *error;             /* NULL: there is none; owned */
};

/* Add an argument; name and value are still escaped (%33), and value may be
 * NULL; with an empty name that is none.  Bit a of allowed is set where
 * argument a may be given.  False, and the error is set, where it may not, is
 * given twice, or is escaped wrongly. */
bool http_arguments_add(struct http_arguments *arguments, unsigned allowed,
			const char *name, const char *value);

void http_arguments_free(struct http_arguments *arguments);

#endif
