/* row_check: whether a row of an event log is used, and its value. */
#ifndef EVENTS_ROW_CHECK_H
#define EVENTS_ROW_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "events/column_detect.h"
#include "events/rejects.h"
#include "text/csv_reader.h"

/* What a row must be. */
struct row_rules {
	const struct columns *columns;
	struct decimal_style style; /* of values */
	char **nulls;               /* null_count texts that mean an empty field
				       escaped as fields are (text/tsv.h) */
	size_t null_count;
	bool tag_may_be_empty; /* a cell for several tags may hold none */
};

/* What was noticed of rows that are used, or are no rows. */
struct row_notes {
	uint64_t rounded; /* values of more than 9 decimals */
	uint64_t surplus; /* rows with an empty field after the last column */
	uint64_t headers; /* repeated header lines */
};

/* True where the row repeats the header line: its customer, its tag and its
 * value are the names of those columns. */
bool row_repeats_header(const struct row_rules *rules,
			const struct csv_file *file,
			const struct csv_rows *rows, const struct csv_row *row);

/* Returns what is wrong with a row, or REJECT_NONE and its value (0 without a
 * column of values), and adds to notes what was noticed. */
enum reject row_check(const struct row_rules *rules,
		      const struct csv_file *file, const struct csv_rows *rows,
		      const struct csv_row *row, decimal *value,
		      struct row_notes *notes);

#endif
