#include "base/pending_files.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

/* A signal handler walks this list: an item is complete before it is linked,
 * its path before it is used, and it is never freed. */
struct pending_file {
	struct pending_file *next;
	enum pending_kind kind;
	volatile sig_atomic_t used;
	char path[];
};

static struct pending_file *_Atomic first;

static void remove_kind(enum pending_kind kind)
{
	for (struct pending_file *item = first; item != NULL; item = item->next)
		if (item->used && item->kind == kind) {
			item->used = 0;
			if (kind == PENDING_DIRECTORY)
				rmdir(item->path);
			else
				unlink(item->path);
		}
}

void pending_files_remove(void)
{
	remove_kind(PENDING_FILE);
	remove_kind(PENDING_DIRECTORY);
}

/* Signals that wait, whichever thread they come to. */
static atomic_int held, waiting; /* how often held; the number of one, or 0 */

void pending_files_hold_signals(void)
{
	atomic_fetch_add(&held, 1);
}

void pending_files_release_signals(void)
{
	if (atomic_fetch_sub(&held, 1) == 1) {
		int number = atomic_exchange(&waiting, 0);
		if (number != 0)
			raise(number);
	}
}

static void on_signal(int number)
{
	if (held > 0) {
		waiting = number;
		/* It may have been released in the meantime. */
		if (held > 0 || atomic_exchange(&waiting, 0) == 0)
			return;
	}
	pending_files_remove();
	signal(number, SIG_DFL);
	raise(number);
}

static void remove_at_end(void)
{
	static const int numbers[] = {SIGINT,  SIGTERM, SIGHUP,  SIGPIPE,
				      SIGXFSZ, SIGQUIT, SIGXCPU, SIGALRM,
				      SIGUSR1, SIGUSR2};
	static bool registered;

	if (registered)
		return;
	registered = true;
	atexit(pending_files_remove);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct sigaction old;
		if (sigaction(numbers[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			signal(numbers[i], on_signal);
	}
}

struct pending_file *pending_files_reserve(enum pending_kind kind, size_t size)
{
	struct pending_file *item = alloc(1, sizeof *item + size);

	item->next = first;
	item->kind = kind;
	first = item;
	remove_at_end();
	return item;
}

void pending_files_set(struct pending_file *file, const char *path)
{
	memcpy(file->path, path, strlen(path) + 1);
	file->used = 1;
}

void pending_files_drop(struct pending_file *file)
{
	file->used = 0;
}
