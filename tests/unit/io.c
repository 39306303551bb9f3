/* io: outputs are whole or absent, inputs give all their bytes from files and
 * pipes, failures of what must not end the process come back as text. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/io.h"
#include "base/mapped_inputs.h"
#include "base/random.h"
#include "base/tempfile.h"
#include "expect.h"

enum { SIZE = 1000000 };

static unsigned char bytes[SIZE];
/* Write all bytes in pieces to an open output. */
static void write_pieces(struct output *output)
{
	for (size_t at = 0, piece; at < SIZE; at += piece) {
		piece = random_bits(2, at) % 100000;
		piece = piece < SIZE - at ? piece : SIZE - at;
		output_write(output, bytes + at, piece);
	}
}

static void check_output(void)
{
	struct output output;
	struct input input;

	output_open(&output, "whole");
	write_pieces(&output);
	check(access("whole", F_OK) != 0, "an output is there unfinished");
	check(output.written == SIZE, "written: another number of bytes");
	output_close(&output);
	input_open(&input, "whole");
	check(input.regular && input.size == SIZE, "input: another size");
	input_map(&input);
	check(memcmp(input.bytes, bytes, SIZE) == 0, "input: other bytes");
	input_close(&input);
	check(input_try(&input, "whole") == NULL &&
		      input_try_copy(&input) == NULL,
	      "input_try_copy fails");
	check(truncate("whole", 0) == 0 && input.size == SIZE &&
		      memcmp(input.bytes, bytes, SIZE) == 0,
	      "a copy changes with its file");
	input_close(&input);
}

/* How a process ends that writes to the path and calls exit, or that reads
 * from it. */
static int status_of(void (*act)(const char *path), const char *path)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		act(path);
		exit(STATUS_DONE);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void leave_open(const char *path)
{
	static struct output output;

	output_open(&output, path);
	write_pieces(&output);
}

/* Three are open; the second is closed. */
static void leave_others(const char *path)
{
	static struct output outputs[3];
	static const char *const names[] = {"several/a", "several/b",
					    "several/c"};

	(void)path;
	for (int i = 0; i < 3; i++)
		output_open(&outputs[i], names[i]);
	output_close(&outputs[1]);
}

/* Two are open; one is discarded, the other closed. */
static void discard_one(const char *path)
{
	struct output lost, kept;

	output_open(&lost, "lost");
	output_open(&kept, path);
	output_discard(&lost);
	output_close(&kept);
}

/* All are closed: the last one closed gives all their names. */
static void close_two(const char *path)
{
	struct output first, second;

	output_open(&first, path);
	output_open(&second, "absent-folder");
	output_close(&first);
	if (access(path, F_OK) == 0)
		_exit(9);
	output_close(&second);
}

/* Ended by SIGKILL with an output open. */
static void be_killed(const char *path)
{
	static struct output output;

	output_open(&output, path);
	kill(getpid(), SIGKILL);
}

static void write_closed(const char *path)
{
	struct output output;

	output_open(&output, path);
	write_pieces(&output);
	output_close(&output);
}

static void open_only(const char *path)
{
	struct input input;

	input_open(&input, path);
}

static void check_failures(void)
{
	struct input input;

	mkdir("folder", 0777);
	check(status_of(leave_open, "folder/left") == STATUS_DONE &&
		      rmdir("folder") == 0,
	      "an output that is not closed leaves a file");
	mkdir("several", 0777);
	check(status_of(leave_others, "") == STATUS_DONE &&
		      rmdir("several") == 0,
	      "several outputs leave files where not all are closed");
	check(status_of(discard_one, "kept") == STATUS_DONE &&
		      unlink("kept") == 0 && unlink("lost") != 0,
	      "a discarded output is kept, or keeps others");
	check(status_of(close_two, "first") == STATUS_DONE &&
		      unlink("first") == 0 && unlink("absent-folder") == 0,
	      "two outputs do not get their names together");
	check(status_of(write_closed, "/dev/full") == STATUS_WRONG,
	      "a full device passes");
	check(status_of(write_closed, "absent/file") == STATUS_WRONG,
	      "an output in no directory passes");
	check(status_of(open_only, "absent") == STATUS_WRONG,
	      "an input that is absent passes");
	check(input_try(&input, "absent") != NULL &&
		      strcmp(input.name, "absent") == 0,
	      "input_try: no text for a file that is absent");
	check(input_try(&input, ".") != NULL,
	      "input_try: no text for a directory");
	input_close(&input);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* A mapped file becomes shorter, and is read. */
static void cut_mapped(const char *path)
{
	struct input input;

	input_open(&input, path);
	input_map(&input);
	if (truncate(path, 100) == 0 && input.bytes[SIZE - 1] != bytes[0])
		_exit(8);
}
#endif

/* A mapped file gets another byte before an output is closed. */
static void change_mapped(const char *path)
{
	struct input input;
	struct output output;
	int fd = open(path, O_WRONLY);

	output_open(&output, "unmade");
	input_open(&input, path);
	input_map(&input);
	do
		if (pwrite(fd, "y", 1, 0) != 1)
			_exit(8);
	while (mapped_inputs_error() == NULL);
	input_close(&input);
	output_close(&output);
}

/* A file becomes shorter after a part was read. */
static void cut_read(const char *path)
{
	struct input input;
	unsigned char part[1000];

	input_open(&input, path);
	while (input_read(&input, part, sizeof part) > 0)
		if (truncate(path, 5000) != 0)
			_exit(8);
}

/* By no file. */
static void abort_mapped(const char *path)
{
	struct input input;

	input_open(&input, path);
	input_map(&input);
	abort();
}

static void check_changes(void)
{
	struct input input;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	status_of(write_closed, "whole");
	check(status_of(cut_mapped, "whole") == STATUS_WRONG,
	      "a mapped file that is cut: another status");
#endif
	status_of(write_closed, "whole");
	check(status_of(change_mapped, "whole") == STATUS_WRONG &&
		      access("unmade", F_OK) != 0,
	      "an output of a mapped file that changed is kept");
	check(status_of(cut_read, "whole") == STATUS_WRONG,
	      "a file that is cut while it is read passes");
	check(status_of(abort_mapped, "whole") == -1,
	      "an abort is taken for a file that changed");
	status_of(write_closed, "whole");
	check(input_try(&input, "whole") == NULL &&
		      truncate("whole", 100) == 0 &&
		      input_try_copy(&input) != NULL,
	      "a file that is cut while it is copied passes");
	input_close(&input);
}

static size_t count_files(const char *folder)
{
	DIR *entries = opendir(folder);
	size_t count = 0;

	while (entries != NULL && readdir(entries) != NULL)
		count++;
	closedir(entries);
	return count - 2; /* . and .. */
}

/* What a link names is written, there or not. */
static void check_links(void)
{
	struct stat status;

	mkdir("links", 0777);
	check(symlink("../links/next", "links/first") == 0 &&
		      symlink("target", "links/next") == 0 &&
		      symlink("loop", "links/loop") == 0,
	      "symlink");
	for (int i = 0; i < 2; i++)
		check(status_of(write_closed, "links/first") == STATUS_DONE &&
			      access("links/target", F_OK) == 0 &&
			      lstat("links/first", &status) == 0 &&
			      S_ISLNK(status.st_mode),
		      "a link is not followed");
	check(status_of(write_closed, "links/loop") == STATUS_WRONG &&
		      count_files("links") == 4,
	      "links in a circle are replaced");
}

/* A process that has an output to path open until it is killed. */
static pid_t hold_open(const char *path)
{
	struct output output;
	int ends[2];
	char byte = 0;

	if (pipe(ends) != 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		output_open(&output, path);
		check(write(ends[1], &byte, 1) == 1, "write to a pipe");
		pause();
		_exit(0);
	}
	check(read(ends[0], &byte, 1) == 1, "read from a pipe");
	close(ends[0]);
	close(ends[1]);
	return child;
}

/* What a killed process left goes when its path is written again, and nothing
 * else does: not what another process holds, nor files with like names. */
static void check_stale(void)
{
	mkdir("stale", 0777);
	close(open("stale/out.backup", O_CREAT | O_WRONLY, 0666));
	close(open("stale/out.cs-", O_CREAT | O_WRONLY, 0666));
	check(status_of(be_killed, "stale/out") == -1 &&
		      status_of(be_killed, "stale/out.cs") == -1 &&
		      count_files("stale") == 4,
	      "a killed process left other than its temporary file");
	pid_t holder = hold_open("stale/out");
	check(count_files("stale") == 4, "a stale file is not removed");
	check(status_of(write_closed, "stale/out") == STATUS_DONE &&
		      count_files("stale") == 5,
	      "a locked temporary file is removed");
	check(status_of(write_closed, "stale/out.cs") == STATUS_DONE &&
		      count_files("stale") == 5,
	      "the stale file of another path is removed, or its own not");
	kill(holder, SIGTERM);
	waitpid(holder, NULL, 0);
	check(count_files("stale") == 4, "SIGTERM leaves a temporary file");
}

/* The bytes through a pipe, mapped. */
static size_t map_pipe(const unsigned char *from, size_t size)
{
	int ends[2];

	if (pipe(ends) != 0)
		return 0;
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		signal(SIGPIPE, SIG_DFL);
		for (ssize_t put; size > 0; from += put, size -= (size_t)put) {
			put = write(ends[1], from, size);
			if (put <= 0)
				break;
		}
		_exit(0);
	}
	close(ends[1]);
	char path[32];
	struct input input;
	snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
	input_open(&input, path);
	close(ends[0]);
	input_map(&input);
	size_t same = 0;
	while (same < input.size && input.bytes[same] == from[same])
		same++;
	input_close(&input);
	waitpid(child, NULL, 0);
	return same;
}

static void check_pipe(void)
{
	bytes[8] = '{';
	check(map_pipe(bytes, SIZE) == SIZE, "a pipe: other bytes");
	check(map_pipe(bytes, 5) == 5, "a short pipe: other bytes");
	check(map_pipe(bytes, 0) == 0, "an empty pipe: bytes");
	bytes[8] = 'x';
	size_t size = map_pipe(bytes, SIZE);
	check(size >= 9 && size < SIZE, "all of a foreign stream is copied");
}

static void check_memory(void)
{
	struct output output;

	output_memory(&output);
	write_pieces(&output);
	check(output.held == SIZE && memcmp(output.buffer, bytes, SIZE) == 0,
	      "output_memory: other bytes");
	output.held = 0;
	output_text(&output, "a");
	output_print(&output, "%d%s", 12, "b");
	check(output.held == 4 && memcmp(output.buffer, "a12b", 4) == 0,
	      "output_print: other bytes");
	check(!output_terminal(&output), "memory is no terminal");
	free(output.buffer);
}

static void check_tempfile(void)
{
	int fd = tempfile_open();

	tempfile_write(fd, bytes, SIZE);
	unsigned char *map = tempfile_map(fd, SIZE, true);
	check(memcmp(map, bytes, SIZE) == 0, "tempfile: other bytes");
	map[0]++;
	unsigned char first;
	check(pread(fd, &first, 1, 0) == 1 && first == map[0],
	      "tempfile: what is stored is not in the file");
	close(fd);
}

int main(void)
{
	/* Processes that are forked have nothing to print again. */
	setvbuf(stdout, NULL, _IONBF, 0);
	unlink("whole");
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (unsigned char)random_bits(1, i);
	check_output();
	check_failures();
	check_changes();
	check_links();
	check_stale();
	check_pipe();
	check_memory();
	check_tempfile();
	return failed;
}
