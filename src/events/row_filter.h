/* row_filter: which rows of a log count (--where, --since, --until), and how
 * much (--weight-by, --half-life). */
#ifndef EVENTS_ROW_FILTER_H
#define EVENTS_ROW_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/string_table.h"
#include "events/forward_decay.h"
#include "text/csv_reader.h"

/* Conditions of --where, at most; room for what row_filter_describe writes. */
enum { ROW_FILTER_MAX_CONDITIONS = 16, ROW_FILTER_ROOM = 200 };

/* A column of the log that is compared with a value. */
struct row_condition {
	char *column; /* its name or number */
	char *text;   /* the value, escaped as fields are */
	enum {
		ROW_EQUAL,
		ROW_UNEQUAL,
		ROW_LESS,
		ROW_LESS_OR_EQUAL,
		ROW_GREATER,
		ROW_GREATER_OR_EQUAL
	} relation;
	bool numeric; /* the value is a number */
	decimal number;
};

/* Zero: all rows count 1.  The members up to decays are the caller's to set. */
struct row_filter {
	struct row_condition conditions[ROW_FILTER_MAX_CONDITIONS];
	size_t condition_count;
	const char *time;        /* the column, by name or number, or NULL */
	const char *time_format; /* of strptime, or NULL: base/date.h */
	bool has_since, has_until;
	int64_t since, until; /* milliseconds: since <= time < until */
	bool decays;
	struct forward_decay decay; /* where decays */
	/* private */
	struct decimal_style style;
	char *type;                /* the column of types, or NULL */
	char *type_file;           /* where their weights are from */
	struct string_table types; /* escaped */
	decimal *weights;          /* of each type */
	size_t first_place;        /* of the conditions, the time, the type */
};

/* What becomes of a row. */
enum row_verdict {
	ROW_COUNTS,
	ROW_LEFT_OUT,
	ROW_WRONG_TIME, /* the time is no date */
	ROW_WRONG_TYPE, /* the type has no weight */
	ROW_TOO_HEAVY   /* so far after the landmark that no weight is enough */
};

/* Add the condition COL=VALUE, or with == != < <= > >=, where both are numbers
 * if VALUE is one and by bytes else; a field that is no number is unequal to
 * VALUE, and neither less nor greater.  Blanks around COL, VALUE and fields do
 * not count.  NULL or an error text. */
const char *row_filter_add(struct row_filter *filter, const char *argument);

/* Read numbers of conditions, fields and weights as the style says; called
 * after all conditions are added, and before weights are read.  Ends the
 * process where a field is to be less or greater than what another style calls
 * a number. */
void row_filter_set_style(struct row_filter *filter,
			  const struct decimal_style *style);

/* Set the weights from "COL:FILE", or "COL:FILE:TYPE,WEIGHT", a CSV with a line
 * for each text that COL may have; weights are decimals from 0 to below 10^9.
 * The dialect is the log's.  Ends the process where the file is not so. */
void row_filter_read_weights(struct row_filter *filter, const char *argument,
			     const struct csv_dialect *dialect, bool headed);

/* True where events count by a weight. */
bool row_filter_weighs(const struct row_filter *filter);

/* Use places of csv_file.selected from the first on; returns how many. */
size_t row_filter_set_places(struct row_filter *filter, size_t first);

/* Set those places of a file from the names of its header; ends the process
 * where a column is absent. */
void row_filter_select(const struct row_filter *filter, struct csv_file *file,
		       bool headed, const struct csv_names *names);

/* The places of the time and the type; CSV_MAX_PLACES where there is none. */
size_t row_filter_time_place(const struct row_filter *filter);
size_t row_filter_type_place(const struct row_filter *filter);

/* Of a row that is left out: the field that is no number where a condition asks
 * whether it is less or greater than one; NULL where another does not hold. */
const struct csv_slice *row_filter_unordered(const struct row_filter *filter,
					     const struct csv_rows *rows,
					     const struct csv_row *row);

/* Whether each row counts, and counts 1. */
static inline bool row_filter_is_empty(const struct row_filter *filter)
{
	return filter->condition_count == 0 && filter->time == NULL &&
	       filter->type == NULL;
}

/* What becomes of a row, and where it counts how much: *weight is 1 without
 * weights.  Sets *time where the filter has a column of times. */
enum row_verdict row_filter_check(const struct row_filter *filter,
				  const struct csv_rows *rows,
				  const struct csv_row *row, decimal *weight,
				  int64_t *time);

/* Write what a row has in the columns of the filter: "type is \"view\"". */
void row_filter_describe(const struct row_filter *filter,
			 const struct csv_rows *rows, const struct csv_row *row,
			 char to[ROW_FILTER_ROOM]);

void row_filter_free(struct row_filter *filter);

#endif
