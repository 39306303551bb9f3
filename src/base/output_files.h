/* output_files: outputs that do not have their names yet.  An output is written
 * to a temporary file beside its path, "PATH.cs-XXXXXX", which is locked
 * (flock) while the process lives.  All outputs of a process get their names
 * together, when the last open one is finished, so that none stands where
 * another failed.  What is not finished is removed when the process ends
 * (base/pending_files.h); what a killed process left is removed by the next one
 * that writes to the same path.  For one thread of a process. */
#ifndef BASE_OUTPUT_FILES_H
#define BASE_OUTPUT_FILES_H

#include <stdbool.h>

struct output_file;

/* Count an open output that has no temporary file: standard output, a device,
 * a directory. */
void output_files_hold(void);

/* The descriptor that path stands for, one that this process has open, as
 * /dev/stdout and /dev/fd/3 are; -1 where it is another path.  What is behind
 * it may be a regular file that others write, too: it is written at the place
 * where it stands, and not replaced. */
int output_files_descriptor(const char *path);

/* The path that a chain of symbolic links names, whether it exists or not; path
 * itself where it is no link.  Free it.  NULL with errno set: a loop, or links
 * that cannot be read. */
char *output_files_follow(const char *path);

/* Is an output that has not its name yet of the same path? */
bool output_files_has(const char *path);

/* Does the path of one of those outputs pass the test? */
bool output_files_any(bool (*test)(const char *path));

/* Make a temporary file beside path, with the mode that path has or would have.
 * *fd is open for writing.  NULL with errno set where it cannot be made. */
struct output_file *output_files_create(const char *path, int *fd);

/* The output is written whole and closed; file is NULL for one that was only
 * counted.  Where no other is open, all finished files are renamed to their
 * paths, and freed.  NULL, or an error text that names the path whose rename
 * failed: then no finished file is left under either name, and a file that one
 * of them would have replaced is as it was. */
const char *output_files_finish(struct output_file *file);

/* Remove the temporary file of an output that will not be finished (NULL for
 * one that was only counted), and free it. */
void output_files_discard(struct output_file *file);

#endif
