#include "base/output_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/output_files.h"
#include "base/pending_files.h"
#include "base/stale_outputs.h"

static _Noreturn void die_exists(const struct output_directory *directory)
{
	die("%s: it exists and is not empty; it would be written whole: remove "
	    "it, or give another name",
	    directory->name);
}

/* Ends the process where something other than an empty directory is there. */
static void check_free(const struct output_directory *directory)
{
	DIR *there = opendir(directory->path);
	const struct dirent *entry;
	bool empty = true;

	if (there == NULL && errno == ENOENT)
		return;
	if (there == NULL)
		die("%s: %s", directory->name,
		    errno == ENOTDIR ? "a file, expected a directory to write"
				     : strerror(errno));
	while ((entry = readdir(there)) != NULL)
		empty = empty && (strcmp(entry->d_name, ".") == 0 ||
				  strcmp(entry->d_name, "..") == 0);
	closedir(there);
	if (!empty)
		die_exists(directory);
}

/* True where the open directory has its temporary path still. */
static bool is_there(const struct output_directory *directory)
{
	struct stat own, there;
	bool found = stat(directory->temporary, &there) == 0;

	if ((!found && errno != ENOENT) || fstat(directory->lock, &own) != 0)
		die("%s: %s", directory->name, strerror(errno));
	return found && own.st_dev == there.st_dev &&
	       own.st_ino == there.st_ino;
}

/* Make the temporary directory and lock it.  Another process may take it for
 * stale between the two and remove it: then there is another. */
static void create_locked(struct output_directory *directory)
{
	size_t size = strlen(directory->path) + sizeof STALE_OUTPUTS_SUFFIX;

	directory->temporary = alloc(size, 1);
	directory->pending = pending_files_reserve(PENDING_DIRECTORY, size);
	for (;;) {
		snprintf(directory->temporary, size, "%s%s", directory->path,
			 STALE_OUTPUTS_SUFFIX);
		pending_files_hold_signals();
		if (mkdtemp(directory->temporary) == NULL)
			die("%s: cannot create it: %s", directory->name,
			    strerror(errno));
		pending_files_set(directory->pending, directory->temporary);
		pending_files_release_signals();
		directory->lock = open(directory->temporary,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (directory->lock < 0)
			die("%s: %s", directory->name, strerror(errno));
		/* Where there are no locks, no other removes it either. */
		flock(directory->lock, LOCK_EX | LOCK_NB);
		if (is_there(directory))
			return;
		close(directory->lock);
	}
}

void output_directory_open(struct output_directory *directory, const char *path)
{
	size_t length = strlen(path);
	mode_t mask = umask(0);

	umask(mask);
	while (length > 1 && path[length - 1] == '/')
		length--;
	*directory = (struct output_directory){.name = path, .lock = -1};
	directory->path = realpath(path, NULL);
	if (directory->path == NULL) {
		char *bare = alloc_text(path, length);
		directory->path = output_files_follow(bare);
		free(bare);
	}
	if (directory->path == NULL)
		die("%s: %s", path, strerror(errno));
	check_free(directory);
	create_locked(directory);
	stale_outputs_remove(directory->path);
	output_files_hold();
	if (chmod(directory->temporary, 0777 & ~mask) != 0)
		die("%s: %s", path, strerror(errno));
}

void output_directory_add(struct output_directory *directory,
			  struct output *output, const char *file)
{
	char *path = alloc_print("%s/%s", directory->temporary, file);
	char *name = alloc_print("%s/%s", directory->name, file);

	struct pending_file *pending =
		pending_files_reserve(PENDING_FILE, strlen(path) + 1);

	directory->files =
		alloc_grow(directory->files, &directory->room,
			   directory->count + 1, sizeof *directory->files);
	directory->files[directory->count++] =
		(struct directory_file){.name = name, .pending = pending};
	pending_files_set(pending, path);
	output_open_new(output, path, name);
	free(path);
}

/* The entries of a directory are on disk once it is synchronized. */
static bool synchronize(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return done;
}

/* The directory has its name and is to be removed all the same. */
static void remove_later(struct output_directory *directory)
{
	for (size_t i = 0; i < directory->count; i++) {
		const char *name = strrchr(directory->files[i].name, '/') + 1;
		char *path = alloc_print("%s/%s", directory->path, name);
		pending_files_set(directory->files[i].pending, path);
		free(path);
	}
	pending_files_set(directory->pending, directory->path);
}

static void free_directory(struct output_directory *directory)
{
	for (size_t i = 0; i < directory->count; i++)
		free(directory->files[i].name);
	if (directory->lock >= 0)
		close(directory->lock);
	free(directory->files);
	free(directory->path);
	free(directory->temporary);
	*directory = (struct output_directory){0};
}

void output_directory_close(struct output_directory *directory)
{
	if (!synchronize(directory->temporary))
		die("%s: %s", directory->name, strerror(errno));
	pending_files_hold_signals();
	if (rename(directory->temporary, directory->path) != 0) {
		if (errno == ENOTEMPTY || errno == EEXIST)
			die_exists(directory);
		die("%s: %s", directory->name, strerror(errno));
	}
	output_directory_leave(directory);
	pending_files_release_signals();
}

void output_directory_join(struct output_directory *directory, const char *path,
			   const char *temporary)
{
	size_t size = strlen(temporary) + 1;

	*directory = (struct output_directory){.name = path, .lock = -1};
	directory->path = alloc_text(path, strlen(path));
	directory->temporary = alloc_text(temporary, size - 1);
	directory->pending = pending_files_reserve(PENDING_DIRECTORY, size);
	pending_files_set(directory->pending, temporary);
	output_files_hold();
}

void output_directory_leave(struct output_directory *directory)
{
	const char *error = output_files_finish(NULL);

	if (error != NULL) {
		remove_later(directory);
		die("%s", error);
	}
	for (size_t i = 0; i < directory->count; i++)
		pending_files_drop(directory->files[i].pending);
	pending_files_drop(directory->pending);
	free_directory(directory);
}

void output_directory_discard(struct output_directory *directory)
{
	output_files_discard(NULL);
	free_directory(directory);
}
