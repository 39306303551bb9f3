/* rejects: rows of an event log that are wrong: counted by reason, with the
 * first of each, and set aside where that is asked for. */
#ifndef EVENTS_REJECTS_H
#define EVENTS_REJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/csv_reader.h"
#include "base/decimal.h"
#include "base/tempfile.h"
#include "base/io.h"
#include "events/number_fault.h"

/* What is wrong with a row. */
enum reject {
	REJECT_NONE,
	REJECT_FEW, /* fields */
	REJECT_MANY,
	REJECT_EMPTY_USER,
	REJECT_EMPTY_TAG,
	REJECT_EMPTY_VALUE,
	REJECT_NUMBER, /* the value is none: REJECT_NUMBER + enum number_fault
			*/
	REJECT_LARGE = REJECT_NUMBER + NUMBER_FAULTS,
	REJECT_TIME,  /* the time is no date */
	REJECT_TYPE,  /* the type has no weight */
	REJECT_HEAVY, /* value times weight is 10^18 or more */
	REJECT_CSV,   /* REJECT_CSV + enum csv_fault */
	REJECTS = REJECT_CSV + CSV_FAULTS
};

struct rejects {
	const struct csv_source *source;
	char **columns; /* the names of customer, tag and value; or NULL */
	struct decimal_style style; /* of values; set by the caller */
	/* Of the time and the type, names and places; set by the caller. */
	const char *time, *type;
	size_t time_place, type_place;
	unsigned threads;
	bool kept;                    /* rows are set aside */
	struct reject_thread *states; /* of each thread; private */
};

/* Begin without rejects; columns (of customer, tag and value; NULL: without a
 * header) are read later and must stay. */
void rejects_begin(struct rejects *rejects, const struct csv_source *source,
		   char **columns, unsigned threads, bool kept);

/* Count a wrong row of a block that was read singly, and set it aside where
 * rows are kept. */
void rejects_add(struct rejects *rejects, unsigned thread,
		 const struct csv_block *block, const struct csv_rows *rows,
		 const struct csv_row *row, enum reject reject);

/* How many there are, of one reason or of all (REJECT_NONE). */
uint64_t rejects_count(const struct rejects *rejects, enum reject reject);

/* The reason in words, without the text of a row: "score: expected a number".
 * Valid until the next call. */
const char *rejects_reason(const struct rejects *rejects, enum reject reject);

/* A message for each reason: where it first was, in how many of rows_in. */
void rejects_warn(const struct rejects *rejects, uint64_t rows_in);

/* Write the rows as they stand in the input, after the header; and to why a
 * line of TSV for each: file, line, column, reason. */
void rejects_write(struct rejects *rejects, struct output *rows,
		   struct output *why);

/* Free all memory and temporary files. */
void rejects_end(struct rejects *rejects);

#endif
