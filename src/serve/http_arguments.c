#include "serve/http_arguments.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "text/percent.h"

static const char *const names[ARGUMENTS] = {
	[ARGUMENT_N] = "n",
	[ARGUMENT_METRIC] = "metric",
	[ARGUMENT_RECALL] = "recall",
	[ARGUMENT_MIN_SIMILARITY] = "min_similarity",
	[ARGUMENT_AMONG] = "among",
	[ARGUMENT_NOT] = "not",
	[ARGUMENT_WHY] = "why",
	[ARGUMENT_IGNORE_UNKNOWN] = "ignore_unknown",
	[ARGUMENT_SAFE] = "safe",
	[ARGUMENT_PREFIX] = "prefix",
	[ARGUMENT_SEARCH] = "search",
	[ARGUMENT_LIMIT] = "limit",
	[ARGUMENT_CURSOR] = "cursor",
};

static bool fail(struct http_arguments *arguments, const char *field,
		 const char *name, const char *problem)
{
	if (arguments->error != NULL)
		return false;
	arguments->error =
		alloc_print("%.*s: %s", (int)utf8_cut(name, strlen(name), 100),
			    name, problem);
	arguments->field = field;
	return false;
}

/* The text unescaped, or NULL where it is escaped wrongly; free() it. */
static char *unescape(const char *text)
{
	char *copy = alloc_text(text, strlen(text));

	if (percent_decode(copy, strlen(copy), true) != SIZE_MAX)
		return copy;
	free(copy);
	return NULL;
}

static int find(const char *name)
{
	int i = 0;

	while (i < ARGUMENTS && strcmp(names[i], name) != 0)
		i++;
	return i;
}

bool http_arguments_add(struct http_arguments *arguments, unsigned allowed,
			const char *name, const char *value)
{
	char *plain;
	int i;

	/* Between two &, or behind the last, there is no argument. */
	if (*name == '\0' && value == NULL)
		return true;
	plain = unescape(name);
	i = find(plain ? plain : "");
	if (i == ARGUMENTS || (allowed >> i & 1) == 0) {
		fail(arguments, NULL, plain ? plain : name,
		     "no such argument here");
		free(plain);
		return false;
	}
	free(plain);
	if (arguments->values[i] != NULL)
		return fail(arguments, names[i], names[i], "given twice");
	arguments->values[i] = unescape(value ? value : "");
	if (arguments->values[i] == NULL)
		return fail(arguments, names[i], names[i],
			    "expected two hexadecimal digits, not 00, behind "
			    "a %");
	return true;
}

void http_arguments_free(struct http_arguments *arguments)
{
	for (int i = 0; i < ARGUMENTS; i++)
		free(arguments->values[i]);
	free(arguments->error);
	*arguments = (struct http_arguments){0};
}
