#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/file_type.h"
#include "base/mapped_inputs.h"
#include "base/output_files.h"
#include "base/pending_files.h"
#include "base/tempfile.h"

enum { BUFFER = 1 << 18 };

/* The descriptors of an output in memory, and of one to a function. */
enum { IN_MEMORY = -1, TO_FUNCTION = -2 };

static const char shorter[] = "became shorter while it was read";

/* True after an error that is none: a signal came, or a descriptor that another
 * process has set not to wait (O_NONBLOCK) was not ready for these events. Then
 * it is. */
static bool try_again(int fd, short events)
{
	struct pollfd ready = {.fd = fd, .events = events};

	if (errno == EAGAIN)
		poll(&ready, 1, -1);
	return errno == EINTR || errno == EAGAIN;
}

/* ------------------------------------------------------------------ input */

/* Set regular and size of an open input; an error text, or NULL. */
static const char *examine(struct input *input)
{
	struct stat status;

	if (fstat(input->fd, &status) != 0)
		return strerror(errno);
	if (S_ISDIR(status.st_mode))
		return "a directory, expected a file";
	/* A file on standard input may be read already, in part. */
	input->regular =
		S_ISREG(status.st_mode) && lseek(input->fd, 0, SEEK_CUR) == 0;
	input->size = input->regular ? (size_t)status.st_size : 0;
	return NULL;
}

const char *input_try(struct input *input, const char *path)
{
	static atomic_bool taken;

	*input = (struct input){.fd = STDIN_FILENO, .name = "standard input"};
	if (path != NULL && strcmp(path, "-") != 0) {
		input->name = path;
		input->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (input->fd < 0)
			return strerror(errno);
	} else if (atomic_exchange(&taken, true)) {
		return "named twice, and can be read once";
	} else {
		if (isatty(STDIN_FILENO))
			notice("reads standard input, which is this terminal: "
			       "name a FILE, or end with Ctrl-D");
	}
	return examine(input);
}

void input_open(struct input *input, const char *path)
{
	const char *error = input_try(input, path);

	if (error != NULL)
		die("%s: %s", input->name, error);
}

size_t input_read(struct input *input, void *bytes, size_t size)
{
	for (;;) {
		ssize_t got = read(input->fd, bytes, size);
		if (got == 0 && size > 0 && input->regular &&
		    input->read < input->size)
			die("%s: %s", input->name, shorter);
		if (got >= 0) {
			input->read += (size_t)got;
			return (size_t)got;
		}
		if (!try_again(input->fd, POLLIN))
			die("%s: %s", input->name, strerror(errno));
	}
}

/* Copy what is no regular file to an unlinked one, which takes its place.  What
 * by its first bytes is no binary stream of ours will be refused by its reader,
 * and no more of it is copied, for it may never end. */
static void spool(struct input *input)
{
	unsigned char *buffer = alloc_resize(NULL, BUFFER, 1);
	int fd = tempfile_open();
	unsigned char first[FILE_TYPE_PREFIX];
	size_t got;
	bool ours = true;

	input->size = 0;
	while (ours && (got = input_read(input, buffer, BUFFER)) > 0) {
		for (size_t i = input->size;
		     i < sizeof first && i < input->size + got; i++)
			first[i] = buffer[i - input->size];
		tempfile_write(fd, buffer, got);
		input->size += got;
		ours = input->size < sizeof first ||
		       file_type_is_binary_stream(first, sizeof first);
	}
	free(buffer);
	if (input->fd != STDIN_FILENO)
		close(input->fd);
	input->fd = fd;
	input->copied = true;
}

static const char *map_bytes(struct input *input)
{
	if (input->size == 0) {
		input->bytes = (const unsigned char *)"";
		return NULL;
	}
	void *bytes =
		mmap(NULL, input->size, PROT_READ, MAP_PRIVATE, input->fd, 0);
	if (bytes == MAP_FAILED)
		return error_text("cannot map: %s", strerror(errno));
	input->bytes = bytes;
	return NULL;
}

const char *input_try_map(struct input *input)
{
	const char *error;

	if (input->bytes != NULL)
		return NULL;
	if (!input->regular)
		spool(input);
	error = map_bytes(input);
	if (error == NULL && !input->copied)
		input->mapped =
			mapped_inputs_add(input->name, input->fd, input->bytes,
					  input->size, &error);
	return error;
}

void input_map(struct input *input)
{
	const char *error = input_try_map(input);

	if (error != NULL)
		die("%s: %s", input->name, error);
}

/* Copy bytes of a regular file from its beginning, as many as it has now. */
static const char *copy_file(struct input *input, int fd)
{
	size_t expected = input->size;
	unsigned char *buffer = alloc_resize(NULL, BUFFER, 1);
	const char *error = NULL;
	ssize_t got = 0;
	bool foreign = false; /* it will be refused, and may never end */

	input->size = 0;
	while (error == NULL && !foreign &&
	       (got = read(input->fd, buffer, BUFFER)) != 0) {
		for (ssize_t done = 0, put; done < got; done += put) {
			put = write(fd, buffer + done, (size_t)(got - done));
			if (put < 0 && errno == EINTR)
				put = 0;
			if (put < 0) {
				error = error_text("a copy in $TMPDIR: %s",
						   strerror(errno));
				break;
			}
		}
		if (got < 0 && !try_again(input->fd, POLLIN))
			error = strerror(errno);
		input->size += got > 0 ? (size_t)got : 0;
		foreign = input->text && got > 0 &&
			  memchr(buffer, '\0', (size_t)got) != NULL;
	}
	free(buffer);
	if (error == NULL && !foreign && input->size < expected)
		error = shorter;
	return error;
}

const char *input_try_copy(struct input *input)
{
	const char *error;
	int fd = tempfile_try_open();

	if (fd < 0)
		return error_text("a copy in $TMPDIR: %s", strerror(errno));
	error = copy_file(input, fd);
	if (input->fd != STDIN_FILENO)
		close(input->fd);
	input->fd = fd;
	input->copied = true;
	input->regular = true;
	return error != NULL ? error : map_bytes(input);
}

void input_close(struct input *input)
{
	mapped_inputs_drop(input->mapped);
	if (input->bytes != NULL && input->size > 0)
		munmap((void *)(uintptr_t)input->bytes, input->size);
	if (input->fd > STDERR_FILENO)
		close(input->fd);
	*input = (struct input){0};
}

/* ----------------------------------------------------------------- output */

/* The reader of a pipe has closed it, which is no error of ours. */
static _Noreturn void end_silently(void)
{
	pending_files_remove();
	_exit(128 + SIGPIPE);
}

static _Noreturn void unwritten(const char *name)
{
	if (errno == EPIPE)
		end_silently();
	die("%s: %s", name, strerror(errno));
}

/* True where path is the file, or the pipe, that standard output goes to. */
static bool is_its_file(const char *path)
{
	struct stat own, other;

	return fstat(STDOUT_FILENO, &own) == 0 && stat(path, &other) == 0 &&
	       (S_ISREG(own.st_mode) || S_ISFIFO(own.st_mode)) &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

void output_open(struct output *output, const char *path)
{
	static const char twice[] = "it would be two outputs";
	static bool taken;
	struct stat status;

	*output =
		(struct output){.fd = STDOUT_FILENO, .name = "standard output"};
	output->buffer = alloc_resize(NULL, BUFFER, 1);
	int descriptor = path == NULL || strcmp(path, "-") == 0
				 ? STDOUT_FILENO
				 : output_files_descriptor(path);
	if (descriptor == STDOUT_FILENO) {
		if (taken || output_files_any(is_its_file))
			die("standard output: %s", twice);
		taken = true;
		output_files_hold();
		return;
	}
	output->name = path;
	if (descriptor >= 0) {
		output->fd = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
		if (output->fd < 0)
			die("%s: %s", path, strerror(errno));
		output_files_hold();
		return;
	}
	if (taken && is_its_file(path))
		die("%s: %s", path, twice);
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		die("%s: a directory, expected a file to write", path);
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		output->fd = open(path, O_WRONLY | O_CLOEXEC);
		if (output->fd < 0)
			die("%s: %s", path, strerror(errno));
		output_files_hold();
		return;
	}
	/* A link stays; what it names is replaced. */
	char *real = output_files_follow(path);
	if (real != NULL && output_files_has(real))
		die("%s: %s", path, twice);
	output->file =
		real == NULL ? NULL : output_files_create(real, &output->fd);
	if (output->file == NULL)
		die("%s: cannot create it: %s", path, strerror(errno));
	output->synchronized = true;
	free(real);
}

void output_open_new(struct output *output, const char *path, const char *name)
{
	*output = (struct output){.name = name, .synchronized = true};
	output->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (output->fd < 0)
		die("%s: cannot create it: %s", name, strerror(errno));
	output->buffer = alloc_resize(NULL, BUFFER, 1);
	output_files_hold();
}

static void write_all(const struct output *output, const unsigned char *bytes,
		      size_t size)
{
	if (output->fd == TO_FUNCTION) {
		output->take(output->context, bytes, size);
		return;
	}
	while (size > 0) {
		ssize_t put = write(output->fd, bytes, size);
		if (put < 0 && try_again(output->fd, POLLOUT))
			continue;
		if (put < 0)
			unwritten(output->name);
		bytes += put;
		size -= (size_t)put;
	}
}

void output_flush(struct output *output)
{
	if (output->fd == IN_MEMORY)
		return;
	write_all(output, output->buffer, output->held);
	output->held = 0;
}

void output_memory(struct output *output)
{
	*output = (struct output){.fd = IN_MEMORY, .name = "memory"};
}

void output_function(struct output *output,
		     void (*take)(void *context, const unsigned char *bytes,
				  size_t size),
		     void *context)
{
	*output = (struct output){.fd = TO_FUNCTION,
				  .name = "function",
				  .take = take,
				  .context = context};
	output->buffer = alloc_resize(NULL, BUFFER, 1);
}

void output_write(struct output *output, const void *bytes, size_t size)
{
	output->written += size;
	if (output->fd == IN_MEMORY) {
		if (size > output->room - output->held)
			output->buffer =
				alloc_grow(output->buffer, &output->room,
					   output->held + size, 1);
	} else if (size > BUFFER - output->held) {
		output_flush(output);
		if (size >= BUFFER) {
			write_all(output, bytes, size);
			return;
		}
	}
	if (size > 0)
		memcpy(output->buffer + output->held, bytes, size);
	output->held += size;
}

void output_text(struct output *output, const char *text)
{
	output_write(output, text, strlen(text));
}

void output_print(struct output *output, const char *format, ...)
{
	char small[512], *text = small;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(small, sizeof small, format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof small) {
		text = alloc((size_t)length + 1, 1);
		va_start(arguments, format);
		vsnprintf(text, (size_t)length + 1, format, arguments);
		va_end(arguments);
	}
	output_write(output, text, (size_t)length);
	if (text != small)
		free(text);
}

void output_close(struct output *output)
{
	output_flush(output);
	if (output->synchronized && fsync(output->fd) != 0)
		unwritten(output->name);
	if (output->fd != TO_FUNCTION) {
		const char *changed = mapped_inputs_error();
		die_if(changed);
		/* Some systems report a full disk only here. */
		if (close(output->fd) != 0)
			unwritten(output->name);
		const char *error = output_files_finish(output->file);
		die_if(error);
	}
	free(output->buffer);
	*output = (struct output){.fd = -1};
}

void output_discard(struct output *output)
{
	if (output->fd > STDERR_FILENO)
		close(output->fd);
	if (output->fd != TO_FUNCTION)
		output_files_discard(output->file);
	free(output->buffer);
	*output = (struct output){.fd = -1};
}

bool output_terminal(const struct output *output)
{
	return isatty(output->fd);
}

void io_finish_stdout(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		unwritten("standard output");
	if (fclose(stdout) != 0)
		unwritten("standard output");
}
