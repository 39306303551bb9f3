#include "base/output_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/pending_files.h"
#include "base/stale_outputs.h"

static const char suffix[] = STALE_OUTPUTS_SUFFIX;

struct output_file {
	char *path, *temporary;
	struct pending_file *pending; /* of temporary */
	int lock;                 /* a descriptor that holds the lock, or -1 */
	bool exchanged;           /* temporary is now what path was before */
	struct output_file *next; /* finished after it */
	struct output_file *made; /* before it */
};

/* Finished files in the order in which they were, and outputs still open. */
static struct output_file *finished, **last_finished = &finished;
static size_t open_count;
static struct output_file *last_made; /* all that are not freed */

/* Without the bits that a write takes from a file: its owner may be another
 * now, and it would run as that one. */
static mode_t mode_of(const char *path)
{
	struct stat status;
	mode_t mask = umask(0);

	umask(mask);
	return stat(path, &status) == 0 ? status.st_mode & 0777 : 0666 & ~mask;
}

static void free_file(struct output_file *file)
{
	struct output_file **link = &last_made;

	while (*link != NULL && *link != file)
		link = &(*link)->made;
	if (*link != NULL)
		*link = file->made;
	if (file->lock >= 0)
		close(file->lock);
	free(file->path);
	free(file->temporary);
	free(file);
}

/* Make the temporary file and lock it; a descriptor, or -1 with errno set.
 * Another process may take it for stale between the two and remove it: then
 * there is another. */
static int create_locked(struct output_file *file)
{
	size_t length = strlen(file->path);
	struct stat status;

	for (;;) {
		memcpy(file->temporary + length, suffix, sizeof suffix);
		pending_files_hold_signals();
		int fd = mkostemp(file->temporary, O_CLOEXEC);
		if (fd >= 0)
			pending_files_set(file->pending, file->temporary);
		pending_files_release_signals();
		if (fd < 0)
			return -1;
		/* Where there are no locks, as on some network file systems,
		 * no other process removes the file either. */
		flock(fd, LOCK_EX | LOCK_NB);
		bool known = fstat(fd, &status) == 0;
		if (known && status.st_nlink > 0)
			return fd;
		close(fd);
		if (!known)
			return -1;
	}
}

void output_files_hold(void)
{
	open_count++;
}

int output_files_descriptor(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	static const char *const streams[] = {"/dev/stdin", "/dev/stdout",
					      "/dev/stderr"};
	int64_t number;

	for (int i = 0; i < 3; i++)
		if (strcmp(path, streams[i]) == 0)
			return i;
	for (int i = 0; i < 2; i++) {
		size_t length = strlen(folders[i]);
		if (strncmp(path, folders[i], length) == 0 &&
		    number_integer(path + length, 0, INT_MAX, &number))
			return (int)number;
	}
	return -1;
}

/* The path that a link at path names; a relative one is beside it. */
static char *linked_path(const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');
	int folder =
		*target != '/' && slash != NULL ? (int)(slash - path) + 1 : 0;

	return alloc_print("%.*s%s", folder, path, target);
}

char *output_files_follow(const char *path)
{
	enum { MOST = 40 }; /* as many as Linux follows */
	char *at = alloc_text(path, strlen(path));
	char target[PATH_MAX];
	struct stat status;

	for (int links = 0; lstat(at, &status) == 0 && S_ISLNK(status.st_mode);
	     links++) {
		ssize_t length = readlink(at, target, sizeof target - 1);
		if (length < 0 || links == MOST) {
			int error = length < 0 ? errno : ELOOP;
			free(at);
			errno = error;
			return NULL;
		}
		target[length] = '\0';
		char *next = linked_path(at, target);
		free(at);
		at = next;
	}
	return at;
}

/* The name in its folder, whose state is set; false where there is none. */
static bool look_beside(const char *path, struct stat *folder,
			const char **name)
{
	const char *slash = strrchr(path, '/');
	char *text = slash != NULL
			     ? alloc_text(path, (size_t)(slash - path) + 1)
			     : alloc_text(".", 1);
	bool found = stat(text, folder) == 0;

	*name = slash != NULL ? slash + 1 : path;
	free(text);
	return found;
}

bool output_files_has(const char *path)
{
	struct stat folder, other;
	const char *name, *other_name;

	if (last_made == NULL || !look_beside(path, &folder, &name))
		return false;
	for (const struct output_file *file = last_made; file != NULL;
	     file = file->made)
		if (look_beside(file->path, &other, &other_name) &&
		    strcmp(name, other_name) == 0 &&
		    folder.st_dev == other.st_dev &&
		    folder.st_ino == other.st_ino)
			return true;
	return false;
}

bool output_files_any(bool (*test)(const char *path))
{
	for (const struct output_file *file = last_made; file != NULL;
	     file = file->made)
		if (test(file->path))
			return true;
	return false;
}

struct output_file *output_files_create(const char *path, int *fd)
{
	struct output_file *file = alloc(1, sizeof *file);
	size_t length = strlen(path);

	file->lock = -1;
	file->path = alloc_text(path, length);
	file->temporary = alloc(length + sizeof suffix, 1);
	memcpy(file->temporary, path, length);
	file->pending =
		pending_files_reserve(PENDING_FILE, length + sizeof suffix);
	stale_outputs_remove(path);
	*fd = create_locked(file);
	if (*fd < 0 || fchmod(*fd, mode_of(path)) != 0) {
		int error = errno;
		free_file(file);
		errno = error;
		return NULL;
	}
	/* The lock outlives the closing of fd.  Where no descriptor is left
	 * for it, a finished file that waits for its name may be taken for
	 * stale, and its rename fails. */
	file->lock = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
	open_count++;
	file->made = last_made;
	last_made = file;
	return file;
}

/* Give a file its name.  What had that name gets the temporary one where
 * another rename can still fail, so that it can be put back. */
static bool give_name(struct output_file *file, bool last)
{
	struct stat status;

	file->exchanged = !last && lstat(file->path, &status) == 0 &&
			  S_ISREG(status.st_mode) &&
			  renameat2(AT_FDCWD, file->temporary, AT_FDCWD,
				    file->path, RENAME_EXCHANGE) == 0;
	return file->exchanged || rename(file->temporary, file->path) == 0;
}

/* Make a path what it was before give_name. */
static void put_back(struct output_file *file)
{
	if (!file->exchanged)
		unlink(file->path);
	else if (rename(file->temporary, file->path) == 0)
		file->exchanged = false;
}

/* Rename all finished files; where one cannot be, all are as before. */
static const char *publish(void)
{
	const char *error = NULL;

	pending_files_hold_signals();
	for (struct output_file *file = finished; file != NULL && !error;
	     file = file->next) {
		if (give_name(file, file->next == NULL))
			continue;
		error = error_text("%s: %s", file->path, strerror(errno));
		for (struct output_file *done = finished; done != file;
		     done = done->next)
			put_back(done);
	}
	while (finished != NULL) {
		struct output_file *file = finished;
		finished = file->next;
		/* Not what could not be put back. */
		if (file->exchanged == (error == NULL))
			unlink(file->temporary);
		pending_files_drop(file->pending);
		free_file(file);
	}
	last_finished = &finished;
	pending_files_release_signals();
	return error;
}

const char *output_files_finish(struct output_file *file)
{
	open_count--;
	if (file != NULL) {
		*last_finished = file;
		last_finished = &file->next;
	}
	return open_count == 0 ? publish() : NULL;
}

void output_files_discard(struct output_file *file)
{
	open_count--;
	if (file == NULL)
		return;
	unlink(file->temporary);
	pending_files_drop(file->pending);
	free_file(file);
}
