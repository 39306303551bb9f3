/* options: each kind of option reads its argument into its variable or refuses
 * it, and the last one given is known. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/options.h"
#include "expect.h"

enum { KEY_CONSTANT = 256, KEY_REAL, KEY_FUNCTION };

static const char *const words[] = {"tsv", "json", NULL};

static bool flag;
static int constant = -1;
static const char *text, *file, *output, *called;
static size_t count = 10, size;
static double real;
static unsigned threads, choice;
static struct option_list list;

static void call(const char *argument)
{
	called = argument;
}

static const struct option_row rows[] = {
	{"A", 'f', "flag", NULL, "", OPTION_TO_FLAG(flag, true)},
	{NULL, KEY_CONSTANT, "constant", NULL, "",
	 OPTION_TO_CONSTANT(constant, 3)},
	{NULL, 't', "text", "TEXT", "", OPTION_TO_TEXT(text)},
	{NULL, 'i', "input", "FILE", "", OPTION_TO_FILE(file)},
	{NULL, 'n', "number", "N", "", OPTION_TO_INTEGER(count, 1, 100)},
	{NULL, KEY_REAL, "real", "R", "", OPTION_TO_REAL(real, 0, 1)},
	{NULL, 'S', "size", "SIZE", "", OPTION_TO_SIZE(size)},
	{NULL, 'c', "choice", "WORD", "", OPTION_TO_CHOICE(choice, words)},
	{NULL, 'l', "list", "TEXT", "", OPTION_TO_LIST(list)},
	{NULL, KEY_FUNCTION, "function", "X", "", OPTION_TO_FUNCTION(call)},
	OPTION_OUTPUT_TO("B", output),
	OPTION_THREADS_TO(threads),
	OPTION_COMMON};

static const struct options_text what = {.name = "cs-test",
					 .usage = "cs-test",
					 .purpose = "",
					 .footer = "",
					 .rows = rows};

static int length(char **arguments)
{
	int n = 0;

	while (arguments[n] != NULL)
		n++;
	return n;
}

/* The status of a process that reads these options and their operands. */
static int status_of(char **arguments)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		options_read(&what, length(arguments), arguments);
		_exit(7);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One option with an argument, or without where that is NULL. */
static void expect_status(const char *option, const char *argument, int status)
{
	char *arguments[] = {strdup("cs-test"), strdup(option),
			     argument ? strdup(argument) : NULL, NULL};

	if (status_of(arguments) != status) {
		printf("%s %s: not status %d\n", option,
		       argument ? argument : "", status);
		failed = 1;
	}
	for (int i = 0; i < 3; i++)
		free(arguments[i]);
}

static void check_refused(void)
{
	expect_status("--help", NULL, STATUS_DONE);
	expect_status("-V", NULL, STATUS_DONE);
	expect_status("--flag=1", NULL, STATUS_WRONG);
	expect_status("--flags", NULL, STATUS_WRONG);
	expect_status("-x", NULL, STATUS_WRONG);
	expect_status("-t", NULL, STATUS_WRONG);
	expect_status("-t", "", 7);
	expect_status("-i", "", STATUS_WRONG);
	expect_status("-n", "0", STATUS_WRONG);
	expect_status("-n", "100", 7);
	expect_status("-n", "101", STATUS_WRONG);
	expect_status("-n", "1O", STATUS_WRONG);
	expect_status("--real", "1.0001", STATUS_WRONG);
	expect_status("--real", "nan", STATUS_WRONG);
	expect_status("--real", "1", 7);
	expect_status("-S", "0", STATUS_WRONG);
	expect_status("-S", "1X", STATUS_WRONG);
	expect_status("-j", "0", STATUS_WRONG);
	expect_status("-j", "1024", 7);
	expect_status("-c", "tsvx", STATUS_WRONG);
	char *twice[] = {strdup("cs-test"), strdup("-oa"), strdup("-ob"), NULL};
	check(status_of(twice) == STATUS_WRONG, "-o twice passes");
	for (int i = 0; i < 3; i++)
		free(twice[i]);
}

static void check_read(char **arguments, int n)
{
	static const int some[] = {'f', 't', 'n', 0}, others[] = {'V', 'S', 0};
	char **operands = options_read(&what, n, arguments);

	check(flag && constant == 3 && strcmp(text, "two") == 0 &&
		      strcmp(file, "in") == 0 && strcmp(output, "out") == 0 &&
		      strcmp(called, "f") == 0,
	      "another flag or text");
	check(count == 5 && real == 0.25 && threads == 3 && choice == 1,
	      "another number");
	check(list.count == 2 && strcmp(list.texts[0], "a") == 0 &&
		      strcmp(list.texts[1], "b") == 0,
	      "another list");
	check(options_quiet && !options_progress && !options_verbose(),
	      "quiet is not set");
	check(strcmp(options_given(some), "--text") == 0,
	      "another option is the last one");
	check(options_given(others) == NULL, "an option that was not given");
	check(strcmp(options_given_besides(others), "--text") == 0,
	      "another option is the last one besides those");
	check(strcmp(options_given_besides(some), "--threads") == 0,
	      "another option is the last one besides the last");
	check(operands == arguments + n - 1, "another first operand");
	free(list.texts);
}

int main(void)
{
	char line[] = "cs-test -f --constant -t one -i in -n 5 --real .25 -c "
		      "json -l a --list=b --function f -o out -j 3 "
		      "-q --text two operand";
	char *arguments[40] = {NULL};
	int n = 0;

	check_refused();
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		arguments[n++] = word;
	check_read(arguments, n);
	return failed;
}
