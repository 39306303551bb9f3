/* pending_files: what is added is removed at exit and on signals, what is
 * dropped stays. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pending_files.h"
#include "expect.h"

static void make(const char *path)
{
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static struct pending_file *add(enum pending_kind kind, const char *path)
{
	struct pending_file *file =
		pending_files_reserve(kind, strlen(path) + 1);

	pending_files_set(file, path);
	return file;
}

/* A process that has a directory with a file, and a file that it drops, and
 * ends by a signal, by exit, or by pending_files_remove and _exit. */
static void run(int number)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		mkdir("d", 0700);
		add(PENDING_DIRECTORY, "d");
		add(PENDING_FILE, "d/never made");
		make("d/a");
		add(PENDING_FILE, "d/a");
		make("kept");
		pending_files_drop(add(PENDING_FILE, "kept"));
		if (number == 0)
			exit(0);
		if (number < 0) {
			pending_files_remove();
			_exit(0);
		}
		raise(number);
	}
	waitpid(child, &status, 0);
	check(number <= 0 ? WIFEXITED(status)
			  : WIFSIGNALED(status) && WTERMSIG(status) == number,
	      "another end");
	check(access("d", F_OK) != 0, "the directory is left");
	check(unlink("kept") == 0, "what was dropped is removed");
}

/* A signal that comes while signals are held waits for their release. */
static void hold(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		pending_files_reserve(PENDING_FILE, 1);
		pending_files_hold_signals();
		pending_files_hold_signals();
		raise(SIGTERM);
		pending_files_release_signals();
		make("held");
		pending_files_release_signals();
		_exit(0);
	}
	waitpid(child, &status, 0);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM &&
		      unlink("held") == 0,
	      "a signal does not wait, or is lost");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	run(0);
	run(-1);
	run(SIGTERM);
	run(SIGINT);
	run(SIGXFSZ);
	run(SIGXCPU);
	run(SIGUSR1);
	hold();
	return failed;
}
