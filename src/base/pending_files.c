#include "base/pending_files.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

/* A signal handler walks this list: an item is complete before it is linked,
 * and is never freed. */
struct pending {
	struct pending *next;
	enum pending_kind kind;
	char *path;
	volatile sig_atomic_t used;
};

static struct pending *_Atomic first;

static void remove_kind(enum pending_kind kind)
{
	for (struct pending *item = first; item != NULL; item = item->next)
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

static void on_signal(int number)
{
	pending_files_remove();
	signal(number, SIG_DFL);
	raise(number);
}

static void remove_at_end(void)
{
	static const int numbers[] = {SIGINT,  SIGTERM, SIGHUP,
				      SIGPIPE, SIGXFSZ, SIGQUIT};
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

void pending_files_add(enum pending_kind kind, const char *path)
{
	struct pending *item = alloc(1, sizeof *item);

	item->next = first;
	item->kind = kind;
	item->path = alloc_text(path, strlen(path));
	item->used = 1;
	first = item;
	remove_at_end();
}

void pending_files_drop(const char *path)
{
	for (struct pending *item = first; item != NULL; item = item->next)
		if (item->used && strcmp(item->path, path) == 0)
			item->used = 0;
}
