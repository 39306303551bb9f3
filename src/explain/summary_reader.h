/* summary_reader: summaries (explain/summary.h) read from a stream of
 * neighbours with its # lines (explain/neighbours_tsv.h), query by query. */
#ifndef EXPLAIN_SUMMARY_READER_H
#define EXPLAIN_SUMMARY_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "explain/summary.h"
#include "text/tsv.h"

struct summary_reader {
	struct tsv_reader table;
	/* private: */
	bool why;     /* the table has that column */
	bool pending; /* the current row is not yet used */
};

/* Open the file, NULL or "-" for standard input, and read its header line.
 * NULL, or an error text that names the file, which is closed then; one that
 * cannot be read ends the process, here and below, as text/tsv.h says. */
const char *summary_reader_open(struct summary_reader *reader,
				const char *path);

/* Read the next query into the summary, which summary_free frees in any case;
 * what its neighbours share is worked out.  *found is false after the last.
 * NULL, or an error text that names file and line, its control characters
 * replaced. */
const char *summary_reader_next(struct summary_reader *reader,
				struct summary *summary, bool *found);

void summary_reader_close(struct summary_reader *reader);

#endif
