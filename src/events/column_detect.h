/* column_detect: which columns of an event log hold the customer, the tag (or
 * the item that --tags gives tags) and the value. */
#ifndef EVENTS_COLUMN_DETECT_H
#define EVENTS_COLUMN_DETECT_H

#include <stdbool.h>
#include <stddef.h>

#include "text/csv_reader.h"

/* The place of each in csv_file.selected. */
enum { COLUMN_USER, COLUMN_TAG, COLUMN_VALUE, COLUMNS_DETECTED };

/* What the command line says, and then what was found. */
struct columns {
	const char *named[COLUMNS_DETECTED]; /* by the command line: a name or a
						number, or NULL */
	bool headed;                         /* files have a header line */
	bool joined;      /* --tags: the tag's column holds an item */
	const char *join; /* what the catalogue calls its column of items, or
			   * NULL; a column of the log with that name is
			   * preferred */
	/* Set by the first file: */
	bool detected;                 /* the members below are set */
	bool by_known_name;            /* some column was found by its name */
	bool valued;                   /* there is a column of values */
	char *names[COLUMNS_DETECTED]; /* of the columns, without header NULL */
};

/* Set file->selected from the names of the file's header, or, without one, from
 * the fields of its first row, of which only the number counts.  In the first
 * file, columns that are not named are found by known names; files that follow
 * must have the same.  Ends the process where a column is absent, there twice,
 * or ambiguous. */
void columns_detect(struct columns *columns, struct csv_file *file,
		    const struct csv_names *names);

/* The index, from 0, of a column by its name or its number, from 1; ends the
 * process where there is none.  file is for messages: its name and delimiter.
 */
size_t columns_index(const struct csv_file *file, const char *name, bool headed,
		     const struct csv_names *names);

/* True for a name that is known for a column of customers. */
bool columns_known_customer(const char *name);

/* What stands before and after a name in messages: a quotation mark, where
 * blanks or marks at its ends would not be seen, or it has a comma; or nothing.
 */
const char *columns_quote(const char *name);

/* Free the names. */
void columns_free(struct columns *columns);

#endif
