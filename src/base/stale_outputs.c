#include "base/stale_outputs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

static const char suffix[] = STALE_OUTPUTS_SUFFIX;

/* How much of the suffix is the same for all. */
enum { FIXED = sizeof ".cs-" - 1 };

/* Remove the files of a directory, whose descriptor is closed. */
static void empty(int fd)
{
	DIR *entries = fdopendir(fd);
	const struct dirent *entry;

	if (entries == NULL) {
		close(fd);
		return;
	}
	while ((entry = readdir(entries)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
}

/* Remove what has that name if no process holds its lock. */
static void remove_unlocked(int folder, const char *name)
{
	int fd = openat(folder, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0) {
		if (S_ISDIR(status.st_mode))
			empty(dup(fd));
		unlinkat(folder, name,
			 S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0);
	}
	close(fd);
}

/* True where entry is a temporary name of what is called name. */
static bool is_temporary(const char *entry, const char *name)
{
	size_t length = strlen(name);

	return strlen(entry) == length + sizeof suffix - 1 &&
	       strncmp(entry, name, length) == 0 &&
	       strncmp(entry + length, suffix, FIXED) == 0;
}

void stale_outputs_remove(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char *folder = slash != NULL ? alloc_text(path, (size_t)(name - path))
				     : alloc_text(".", 1);
	DIR *entries = opendir(folder);
	const struct dirent *entry;

	free(folder);
	if (entries == NULL)
		return;
	while ((entry = readdir(entries)) != NULL)
		if (is_temporary(entry->d_name, name))
			remove_unlocked(dirfd(entries), entry->d_name);
	closedir(entries);
}
