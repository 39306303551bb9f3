/* progress: the line is shown after a second where that is enabled, with share
 * and note, and removed at the end; never otherwise. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/progress.h"

/* What a process writes to standard error that works for the time. */
static void run(bool enabled, unsigned microseconds, char *text, size_t room)
{
	int ends[2];
	size_t used = 0;

	text[0] = '\0';
	if (pipe(ends) != 0)
		return;
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		progress_enable(enabled);
		progress_begin("rows", 200);
		progress_add(10);
		progress_note("a note");
		usleep(microseconds);
		progress_add(90);
		progress_end();
		_exit(0);
	}
	close(ends[1]);
	for (ssize_t got;
	     (got = read(ends[0], text + used, room - 1 - used)) > 0;)
		used += (size_t)got;
	text[used] = '\0';
	close(ends[0]);
	waitpid(child, NULL, 0);
}

int main(void)
{
	char text[1000];
	int failed = 0;

	program = "cs-test";
	run(true, 1100000, text, sizeof text);
	if (strncmp(text, "\rcs-test: 100 rows, ", 20) != 0 ||
	    strstr(text, ", 50 %, 1 s left, a note\033[K\r\033[K") == NULL)
		failed = printf("another line: \"%s\"\n", text);
	run(true, 0, text, sizeof text);
	if (*text != '\0')
		failed = printf("a line for short work: \"%s\"\n", text);
	run(false, 1100000, text, sizeof text);
	if (*text != '\0')
		failed = printf("a line that nobody wants: \"%s\"\n", text);
	return failed != 0;
}
