/* reply_csv: neighbours as CSV (RFC 4180), a row each. */
#ifndef SERVE_REPLY_CSV_H
#define SERVE_REPLY_CSV_H

#include <stdbool.h>

#include "base/io.h"
#include "explain/display_names.h"
#include "explain/summary.h"
#include "serve/served_model.h"

struct reply_csv {
	struct output *body;
	const struct display_names *labels;
	const struct served_model *served; /* its id and date end each row */
	bool safe;  /* "'" goes before an id or name that a spreadsheet would
		       take for a formula */
	bool batch; /* a first column names the query */
};

/* The line that names the columns. */
void reply_csv_write_header(const struct reply_csv *csv);

/* A row for each neighbour of the summary. */
void reply_csv_write(const struct reply_csv *csv,
		     const struct summary *summary);

#endif
