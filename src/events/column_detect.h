/* column_detect: which columns of an event log hold the customer, the tag (or
 * the item that --tags gives tags) and the value. */
#ifndef EVENTS_COLUMN_DETECT_H
#define EVENTS_COLUMN_DETECT_H

#include <stdbool.h>
#include <stddef.h>

#include "text/csv_reader.h"

/* The place of each in sheet_file.taken. */
enum { COLUMN_USER, COLUMN_TAG, COLUMN_VALUE };

/* What the command line says, and then what was found. */
struct columns {
	const char *named[CSV_COLUMNS_USED]; /* a name or a number; NULL: not
						said */
	bool headed;                         /* files have a header line */
	bool joined;                         /* by --tags: the tag is an item */
	const char *join; /* the catalogue's name of the item, or
			   * NULL: a column of that name is it */
	/* Set by the first file: */
	bool settled;
	bool guessed;                  /* some name was not said */
	bool valued;                   /* there is a value */
	char *names[CSV_COLUMNS_USED]; /* of the columns, without header NULL */
};

/* Find the columns in a file's names (of its header, or else of its first row,
 * of which only the number counts): the first file settles what was not said,
 * and those that follow must have the same.  Ends the process where a column
 * is not there, or is there twice, or cannot be told. */
void columns_detect(struct columns *columns, struct csv_file *file,
		    const struct csv_names *names);

/* The index of a column by its name or its number, or the end of the process.
 * file is for the message. */
size_t columns_index(const char *file, const char *name, bool headed,
		     const struct csv_names *names);

void columns_free(struct columns *columns);

#endif
