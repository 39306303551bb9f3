/* pending_files: temporary files and directories that are removed when the
 * process ends early: at exit, and on SIGINT, SIGTERM, SIGHUP, SIGPIPE,
 * SIGXFSZ, SIGQUIT, SIGXCPU, SIGALRM, SIGUSR1 and SIGUSR2 unless they are
 * ignored. */
#ifndef BASE_PENDING_FILES_H
#define BASE_PENDING_FILES_H

#include <stddef.h>

enum pending_kind { PENDING_FILE, PENDING_DIRECTORY };

struct pending_file;

/* Memory for a path of at most size bytes with its zero byte, so that nothing
 * can fail between the making of a file and pending_files_set.  It is kept to
 * the end of the process. */
struct pending_file *pending_files_reserve(enum pending_kind kind, size_t size);

/* Remove path, which is copied, at an early end; what does not exist then is
 * no error.  Directories are removed after all files. */
void pending_files_set(struct pending_file *file, const char *path);

/* The file or directory stays, as after it was renamed. */
void pending_files_drop(struct pending_file *file);

/* From here to the other, which may be nested, a signal waits: so that there is
 * no file that is not listed, and of several outputs no part. */
void pending_files_hold_signals(void);
void pending_files_release_signals(void);

/* Remove all of them now. */
void pending_files_remove(void);

#endif
