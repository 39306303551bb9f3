/* output_directory: a directory of outputs that appears whole or not at all.
 *
 * The files are written to a temporary directory beside it, which is locked
 * (base/stale_outputs.h) and renamed in the end.  Ends the process with a
 * message where something fails; then, and on signals, the temporary directory
 * is removed with its files. */
#ifndef BASE_OUTPUT_DIRECTORY_H
#define BASE_OUTPUT_DIRECTORY_H

#include <stddef.h>

#include "base/io.h"

struct directory_file {
	char *name; /* for messages */
	struct pending_file *pending;
};

struct output_directory {
	const char *name;       /* as given, for messages */
	char *path, *temporary; /* private */
	int lock; /* a descriptor of temporary that holds its lock, or -1 */
	struct pending_file *pending; /* of temporary; private */
	struct directory_file *files; /* those added; private */
	size_t count, room;
};

/* path is kept, not copied.  What exists there must be an empty directory. */
void output_directory_open(struct output_directory *directory,
			   const char *path);

/* Write to the directory that another process has opened as temporary, which is
 * copied; it must outlive this process's files, and closes the directory.
 * output_directory_leave() is for this process then in place of closing it,
 * once the other process has. */
void output_directory_join(struct output_directory *directory, const char *path,
			   const char *temporary);
void output_directory_leave(struct output_directory *directory);

/* Open an output to the file of that name in the directory; it must be closed
 * before the directory is. */
void output_directory_add(struct output_directory *directory,
			  struct output *output, const char *file);

/* Rename the directory and free all memory. */
void output_directory_close(struct output_directory *directory);

/* Free all memory; the directory is removed at the end of the process. */
void output_directory_discard(struct output_directory *directory);

#endif
