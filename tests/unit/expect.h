/* expect: what tests of single values share.  main returns failed. */
#ifndef UNIT_EXPECT_H
#define UNIT_EXPECT_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed;

static inline void check(bool holds, const char *what)
{
	if (!holds) {
		printf("%s\n", what);
		failed = 1;
	}
}

/* Texts are equal, or both NULL. */
static inline void expect(const char *what, const char *found,
			  const char *expected)
{
	if (found == expected ||
	    (found != NULL && expected != NULL && strcmp(found, expected) == 0))
		return;
	printf("%s: \"%s\", expected \"%s\"\n", what, found ? found : "(null)",
	       expected ? expected : "(null)");
	failed = 1;
}

/* Numbers are equal, or both NaN. */
static inline void expect_number(const char *what, double found,
				 double expected)
{
	if (found == expected || (isnan(found) && isnan(expected)))
		return;
	printf("%s: %.17g, expected %.17g\n", what, found, expected);
	failed = 1;
}

/* Call act(context) in a process of its own.  Returns its exit status, -1 where
 * a signal ended it; text is what it wrote to standard error, at most room - 1
 * bytes. */
static inline int run_apart(void (*act)(void *context), void *context,
			    char *text, size_t room)
{
	int ends[2], status = -1;
	size_t used = 0;

	text[0] = '\0';
	if (pipe(ends) != 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		act(context);
		_exit(0);
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

#endif
