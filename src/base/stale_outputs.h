/* stale_outputs: what is written before it has its name stands beside its path
 * as "PATH.cs-XXXXXX", a file or a directory of files, locked (flock) while its
 * process lives; and what a killed process left is removed. */
#ifndef BASE_STALE_OUTPUTS_H
#define BASE_STALE_OUTPUTS_H

#define STALE_OUTPUTS_SUFFIX ".cs-XXXXXX"

/* Remove what killed processes left of outputs to path: what has a temporary
 * name of it and is not locked.  Failures are left alone. */
void stale_outputs_remove(const char *path);

#endif
