/* progress: how far a long piece of work is, on one line of standard error,
 * where that is enabled and the work lasts over a second.  There is one line
 * for the process. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Show progress from the next progress_begin on; off at first.  base/options
 * does so for a terminal and for --progress. */
void progress_enable(bool enabled);

/* Begin work named by what is counted ("rows", "passes"); total 0: unknown.
 * what is kept, not copied. */
void progress_begin(const char *what, uint64_t total);

/* That much more is done; any thread may say so. */
void progress_add(uint64_t done);

/* Words that follow the count, such as a residual; NULL for none.  Copied. */
void progress_set_text(const char *note);

/* The work is done; the line is removed. */
void progress_end(void);

#endif
