/* progress: the line is shown after a second where that is enabled, with share
 * and note, and removed at the end; never otherwise. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/progress.h"
#include "expect.h"

/* A piece of work. */
struct work {
	bool enabled;
	unsigned microseconds;
};

static void run(void *work_)
{
	const struct work *work = work_;

	progress_enable(work->enabled);
	progress_begin("rows", 200);
	progress_add(10);
	progress_set_text("a note");
	usleep(work->microseconds);
	progress_add(90);
	progress_end();
}

int main(void)
{
	struct work lasting = {true, 1100000}, brief = {true, 0},
		    disabled = {false, 1100000};
	char text[1000];

	program = "cs-test";
	run_apart(run, &lasting, text, sizeof text);
	if (strncmp(text, "\rcs-test: 100 rows, ", 20) != 0 ||
	    strstr(text, ", 50 %, 1 s left, a note\033[K\r\033[K") == NULL)
		failed = printf("another line: \"%s\"\n", text);
	run_apart(run, &brief, text, sizeof text);
	expect("short work", text, "");
	run_apart(run, &disabled, text, sizeof text);
	expect("work without progress", text, "");
	return failed != 0;
}
