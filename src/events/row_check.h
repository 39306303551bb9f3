/* row_check: whether a row of an event log is used, and its value. */
#ifndef EVENTS_ROW_CHECK_H
#define EVENTS_ROW_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "events/column_detect.h"
#include "events/null_texts.h"
#include "events/rejects.h"
#include "events/row_filter.h"
#include "text/csv_reader.h"

/* What a row must be. */
struct row_rules {
	const struct columns *columns;
	const struct row_filter *filter;
	struct decimal_style style; /* of values */
	struct null_texts nulls;    /* what means an empty field */
	decimal heaviest;           /* the largest weight of a tag; 0: none has
				       one */
	bool trim;                  /* row_trim is applied to rows before */
	bool tag_may_be_empty;      /* a cell for several tags may hold none */
};

/* What was noticed of rows that are used, or are no rows. */
struct row_observations {
	uint64_t rounded; /* values of more than 9 decimals */
	uint64_t surplus; /* rows with an empty field after the last column */
	uint64_t headers; /* repeated header lines */
	uint64_t timed;   /* rows that count, with --time; 0: first and last
			     are not known */
	int64_t first, last; /* their times, in milliseconds */
	uint64_t unordered;  /* rows left out for want of a number to compare */
	char unordered_text[32]; /* the first such field in the order of bytes,
				    cut; escaped */
	uint64_t padded; /* rows with blanks at an end of the customer or the
			    tag */
};

/* True where the row repeats the header line: its customer, its tag and its
 * value are the names of those columns, compared without case, blanks, "_" and
 * "-". */
bool row_repeats_header(const struct row_rules *rules,
			const struct csv_file *file,
			const struct csv_rows *rows, const struct csv_row *row);

/* Take blanks and marks that are not seen (utf8_trim) from the ends of the
 * customer and the tag of a row. */
void row_trim(struct csv_rows *rows, const struct csv_row *row);

/* A row that is not wrong. */
struct checked_row {
	decimal value; /* times its weight, not those of its tags; without
			  values its weight, 0 where nothing has a weight */
	bool left_out; /* by the filter: its other fields may be anything */
};

/* Add those of one part of a log to those of others. */
void row_observations_add(struct row_observations *sum,
			  const struct row_observations *observations);

/* Returns what is wrong with a row, or REJECT_NONE and what is to be done with
 * it, and adds to observations what was noticed. */
enum reject row_check(const struct row_rules *rules,
		      const struct csv_file *file, const struct csv_rows *rows,
		      const struct csv_row *row, struct checked_row *checked,
		      struct row_observations *observations);

#endif
