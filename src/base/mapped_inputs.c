#include "base/mapped_inputs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control_chars.h"
#include "base/errors.h"
#include "base/pending_files.h"

enum { NAME = 1024 };

/* A signal handler walks this list: an item is complete before it is linked or
 * used again, and is never freed. */
struct mapped_input {
	struct mapped_input *next;
	volatile sig_atomic_t used;
	const unsigned char *bytes;
	size_t size;
	int fd;
	struct stat status; /* when it was mapped */
	char name[NAME];    /* for messages; a longer one is cut */
};

static struct mapped_input *_Atomic first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char changed_before[NAME]; /* a file that changed and was closed */

static const char changed[] = "changed while it was read";

static bool has_changed(const struct mapped_input *input)
{
	struct stat now;

	return fstat(input->fd, &now) != 0 ||
	       now.st_size != input->status.st_size ||
	       now.st_mtim.tv_sec != input->status.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != input->status.st_mtim.tv_nsec;
}

/* ------------------------------------------------------------------ signals */

/* End the process with a message, by functions that a handler may call. */
static _Noreturn void end(const char *name, const char *reason)
{
	char text[NAME + 128] = "";
	size_t length;

	strncat(text, name, NAME);
	strcat(text, *name != '\0' ? ": " : "");
	strcat(text, reason);
	control_chars_replace(text);
	length = strlen(text);
	text[length] = '\n';
	pending_files_remove();
	if (write(STDERR_FILENO, program, strlen(program)) < 0 ||
	    write(STDERR_FILENO, ": ", 2) < 0 ||
	    write(STDERR_FILENO, text, length + 1) < 0)
		_exit(STATUS_WRONG);
	_exit(STATUS_WRONG);
}

static void on_signal(int number, siginfo_t *about, void *context)
{
	const unsigned char *at = about->si_addr;

	(void)context;
	for (struct mapped_input *input = first; input; input = input->next) {
		if (!input->used)
			continue;
		if (has_changed(input))
			end(input->name, changed);
		if (number == SIGBUS && at >= input->bytes &&
		    at < input->bytes + input->size)
			end(input->name, "it cannot be read");
	}
	if (number == SIGBUS)
		end("", "a file mapped to memory cannot be read or written");
	pending_files_remove();
	signal(number, SIG_DFL);
	raise(number);
}

/* A sanitizer's handlers stay. */
static void catch_signals(void)
{
	static const int numbers[] = {SIGBUS, SIGSEGV, SIGFPE, SIGABRT};
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = SA_SIGINFO};
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigaction(numbers[i], NULL, &old) == 0 &&
		    (old.sa_flags & SA_SIGINFO) == 0 &&
		    old.sa_handler == SIG_DFL)
			sigaction(numbers[i], &action, NULL);
}

/* --------------------------------------------------------------------- list */

/* An item that is not used, or NULL without memory; under the lock. */
static struct mapped_input *unused(void)
{
	struct mapped_input *item = first;

	while (item != NULL && item->used)
		item = item->next;
	if (item != NULL)
		return item;
	if (first == NULL)
		catch_signals();
	/* Not by base/alloc.h: base/recovery.h would free it. */
	item = calloc(1, sizeof *item);
	if (item != NULL) {
		item->next = first;
		first = item;
	}
	return item;
}

struct mapped_input *mapped_inputs_add(const char *name, int fd,
				       const void *bytes, size_t size,
				       const char **error)
{
	struct mapped_input *item;
	struct stat status;

	*error = NULL;
	if (fstat(fd, &status) != 0)
		*error = strerror(errno);
	else if ((size_t)status.st_size != size)
		*error = changed;
	if (*error != NULL)
		return NULL;
	pthread_mutex_lock(&lock);
	item = unused();
	if (item != NULL) {
		item->bytes = bytes;
		item->size = size;
		item->fd = fd;
		item->status = status;
		item->name[0] = '\0';
		strncat(item->name, name, sizeof item->name - 1);
		item->used = 1;
	} else {
		*error = "out of memory";
	}
	pthread_mutex_unlock(&lock);
	return item;
}

void mapped_inputs_drop(struct mapped_input *input)
{
	if (input == NULL)
		return;
	pthread_mutex_lock(&lock);
	if (changed_before[0] == '\0' && has_changed(input))
		memcpy(changed_before, input->name, sizeof changed_before);
	input->used = 0;
	pthread_mutex_unlock(&lock);
}

const char *mapped_inputs_error(void)
{
	const char *name = NULL;

	pthread_mutex_lock(&lock);
	if (changed_before[0] != '\0')
		name = changed_before;
	for (struct mapped_input *input = first; input != NULL && name == NULL;
	     input = input->next)
		if (input->used && has_changed(input))
			name = input->name;
	pthread_mutex_unlock(&lock);
	return name != NULL ? error_text("%s: %s", name, changed) : NULL;
}
