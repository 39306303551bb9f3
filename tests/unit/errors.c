/* errors: messages as they reach standard error, exit statuses, and error texts
 * that may be arguments of the next. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "expect.h"

/* What a test does in a process of its own. */
struct act {
	void (*call)(void);
};

static void call_act(void *act)
{
	((struct act *)act)->call();
}

static void expect_message(const char *what, void (*call)(void), int status,
			   const char *wanted)
{
	struct act act = {call};
	char text[4096];
	int got = run_apart(call_act, &act, text, sizeof text);

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
	expect_message("warn", warn_of_two, STATUS_DONE,
		       "cs-test: file: 7\ncs-test: a?b?[1m\n  c?\n");
	expect_message("notice", give_notices, STATUS_DONE,
		       "cs-test: first\ncs-test: third\ncs-test: fourth\n");
	expect_message("die", die_at_once, STATUS_WRONG, "cs-test: the end\n");
	expect_message("die_usage", die_of_usage, STATUS_WRONG,
		       "cs-test: -x: unknown\n"
		       "  \"cs-test --help\" lists the options\n");
	expect_message("threads", die_by_threads, STATUS_WRONG,
		       "cs-test: the end\n");
	check_texts();
	return failed;
}
