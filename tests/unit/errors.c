/* errors: messages as they reach standard error, exit statuses, and error texts
 * that may be arguments of the next. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"

static int failed;

/* Run in a process of its own: its status, and what it writes to standard
 * error. */
static int run(void (*act)(void), char *text, size_t room)
{
	int ends[2], status = -1;
	size_t used = 0;

	if (pipe(ends) != 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		act();
		_exit(STATUS_DONE);
	}
	close(ends[1]);
	for (ssize_t got;
	     (got = read(ends[0], text + used, room - 1 - used)) > 0;)
		used += (size_t)got;
	text[used] = '\0';
	close(ends[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const char *what, void (*act)(void), int status,
		   const char *wanted)
{
	char text[4096];
	int got = run(act, text, sizeof text);

	if (got == status && strcmp(text, wanted) == 0)
		return;
	printf("%s: status %d and \"%s\", expected %d and \"%s\"\n", what, got,
	       text, status, wanted);
	failed = 1;
}

static void warn_of_two(void)
{
	warn("%s: %d", "file", 7);
	warn("a\nb\x1b[1m\n  c\x7f");
}

static void give_notices(void)
{
	notice("first");
	notices_enable(false);
	notice("second");
	warn("third");
	notices_enable(true);
	notice("fourth");
}

static void die_at_once(void)
{
	die("%s", "the end");
}

static void die_of_usage(void)
{
	die_usage("-x: %s", "unknown");
}

static void *die_too(void *unused)
{
	(void)unused;
	die("the end");
}

/* Several threads that end the process: one message. */
static void die_by_threads(void)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, die_too, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
}

static void check_texts(void)
{
	const char *text = error_text("row %d", 3);

	text = error_text("%s: %s", "tensor", text);
	text = error_text("file: %s", text);
	if (strcmp(text, "file: tensor: row 3") != 0) {
		printf("error_text: \"%s\"\n", text);
		failed = 1;
	}
}

int main(void)
{
	program = "cs-test";
	expect("warn", warn_of_two, STATUS_DONE,
	       "cs-test: file: 7\ncs-test: a?b?[1m\n  c?\n");
	expect("notice", give_notices, STATUS_DONE,
	       "cs-test: first\ncs-test: third\ncs-test: fourth\n");
	expect("die", die_at_once, STATUS_WRONG, "cs-test: the end\n");
	expect("die_usage", die_of_usage, STATUS_WRONG,
	       "cs-test: -x: unknown\n"
	       "  \"cs-test --help\" lists the options\n");
	expect("threads", die_by_threads, STATUS_WRONG, "cs-test: the end\n");
	check_texts();
	return failed;
}
