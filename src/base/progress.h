/* progress: how far a long piece of work is, on one line of standard error,
 * when that is a terminal (or --progress) and the work lasts over a second. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

/* Begin work named by what is counted ("rows", "passes"); total 0: unknown. */
void progress_begin(const char *what, uint64_t total);

/* That much more is done; any thread may say so. */
void progress_add(uint64_t done);

/* Words that follow the count, such as a residual; NULL for none.  Copied. */
void progress_note(const char *note);

/* The work is done; the line is removed. */
void progress_end(void);

#endif
