/* pending_files: temporary files and directories that are removed when the
 * process ends early: at exit, and on SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ
 * and SIGQUIT unless they are ignored. */
#ifndef BASE_PENDING_FILES_H
#define BASE_PENDING_FILES_H

enum pending_kind { PENDING_FILE, PENDING_DIRECTORY };

/* Remove path, which is copied, at an early end; what does not exist then is
 * no error.  Directories are removed after all files. */
void pending_files_add(enum pending_kind kind, const char *path);

/* The file or directory stays, as after it was renamed. */
void pending_files_drop(const char *path);

/* Remove all of them now. */
void pending_files_remove(void);

#endif
