#include "base/repeated_inputs.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/errors.h"

/* A file, and which of the paths leads to it. */
struct known_file {
	dev_t device;
	ino_t number;
	size_t path;
};

/* By file, and of one file by path. */
static int compare(const void *left, const void *right)
{
	const struct known_file *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->path < b->path ? -1 : a->path > b->path;
}

void repeated_inputs_notice(char *const *paths, size_t count)
{
	struct known_file *files;
	size_t known = 0, first = count;
	struct stat status;

	if (count < 2)
		return;
	files = alloc(count, sizeof *files);
	for (size_t i = 0; i < count; i++)
		if (stat(paths[i], &status) == 0 && S_ISREG(status.st_mode))
			files[known++] = (struct known_file){status.st_dev,
							     status.st_ino, i};
	qsort(files, known, sizeof *files, compare);
	for (size_t i = 1; i < known; i++)
		if (files[i].device == files[i - 1].device &&
		    files[i].number == files[i - 1].number &&
		    files[i].path < first)
			first = files[i].path;
	if (first < count)
		notice("%s: named twice: what it has counts twice",
		       paths[first]);
	free(files);
}
