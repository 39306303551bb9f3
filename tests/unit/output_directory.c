/* output_directory: appears whole, replaces nothing; and outputs to functions.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/output_directory.h"
#include "expect.h"

/* Write two files; the directory must not be there before it is closed. */
static void write_both(const char *path)
{
	struct output_directory directory;
	struct output a, b;

	output_directory_open(&directory, path);
	output_directory_add(&directory, &a, "a");
	output_directory_add(&directory, &b, "b");
	output_text(&a, "one");
	output_text(&b, "two");
	output_close(&a);
	output_close(&b);
	check(access("out/a", F_OK) != 0, "the directory is there too early");
	output_directory_close(&directory);
}

static int holds(const char *path, const char *expected)
{
	char text[16] = "";
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return 0;
	if (fgets(text, sizeof text, file) == NULL)
		text[0] = '\0';
	fclose(file);
	return strcmp(text, expected) == 0;
}

static void check_whole(const char *path)
{
	struct stat status;

	umask(022);
	write_both(path);
	check(holds("out/a", "one") && holds("out/b", "two"), "other bytes");
	check(stat("out", &status) == 0 && (status.st_mode & 07777) == 0755,
	      "another mode");
	unlink("out/a");
	unlink("out/b");
	rmdir("out");
}

/* The exit status of a process that writes to the path. */
static int status_of(const char *path)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(3);
		write_both(path);
		exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_refusals(void)
{
	mkdir("full", 0700);
	fclose(fopen("full/file", "w"));
	check(status_of("full") == 2, "a directory with files is replaced");
	check(status_of("full/file") == 2, "a file is replaced");
	check(status_of("none/out") == 2, "a directory in none");
	unlink("full/file");
	check(rmdir("full") == 0 && errno == 0, "a file is left");
}

/* How many temporary directories of out are there. */
static int temporaries(void)
{
	DIR *here = opendir(".");
	const struct dirent *entry;
	int count = 0;

	while (here != NULL && (entry = readdir(here)) != NULL)
		count += strncmp(entry->d_name, "out.cs-", 7) == 0;
	closedir(here);
	return count;
}

/* What a killed process left is removed by the next; what one writes is not. */
static void check_stale(void)
{
	int status, ready[2];
	char byte;
	pid_t child;

	check(pipe(ready) == 0, "no pipe");
	child = fork();
	if (child == 0) {
		struct output_directory directory;
		struct output a;

		output_directory_open(&directory, "out");
		output_directory_add(&directory, &a, "a");
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	check(read(ready[0], &byte, 1) == 1, "not begun");
	check(temporaries() == 1, "no temporary directory");
	check_whole("out");
	check(temporaries() == 1, "that of a living process is removed");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	check(temporaries() == 1, "it is gone");
	check_whole("out");
	check(temporaries() == 0, "that of a killed process stays");
	close(ready[0]);
	close(ready[1]);
}

static size_t calls, bytes;

static void take(void *context, const unsigned char *text, size_t size)
{
	check(context == &calls, "another context");
	check(size > 0 && text[0] == 'a' && text[size - 1] == 'z',
	      "one write comes in two calls");
	calls++;
	bytes += size;
}

static void check_function(void)
{
	static char text[300000];
	struct output output;

	memset(text, 'b', sizeof text);
	output_function(&output, take, &calls);
	for (size_t size = 2; size < sizeof text; size = 2 * size + 1) {
		text[0] = 'a';
		text[size - 1] = 'z';
		output_write(&output, text, size);
		text[size - 1] = 'b';
		bytes -= size;
	}
	output_close(&output);
	check(calls >= 1 && bytes == 0, "bytes are lost");
}

int main(void)
{
	/* Processes that are forked have nothing to print again. */
	setvbuf(stdout, NULL, _IONBF, 0);
	check_whole("out");
	check_whole("out//");
	mkdir("out", 0700);
	check_whole("out");
	errno = 0;
	check_refusals();
	check_stale();
	check_function();
	return failed;
}
