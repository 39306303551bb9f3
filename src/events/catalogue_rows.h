/* catalogue_rows: the rows of a catalogue in CSV, whose first selected column
 * is the item; a row that is wrong ends the process. */
#ifndef EVENTS_CATALOGUE_ROWS_H
#define EVENTS_CATALOGUE_ROWS_H

#include <stdbool.h>

#include "text/csv_reader.h"

/* What reads the rows; zero at first. */
struct catalogue_rows {
	struct csv_block block;
	struct csv_rows rows; /* of the block */
	bool foreign;         /* some block was not UTF-8 */
};

/* Read the rows of the next block; false at the end.  Each has as many fields
 * as the first, and an item.  Ends the process on a wrong row; warns of the
 * first that is not UTF-8. */
bool catalogue_rows_next(struct catalogue_rows *catalogue,
			 struct csv_source *source);

/* Free what it has; it is zero then. */
void catalogue_rows_free(struct catalogue_rows *catalogue);

/* Where the first line of a regular file is without the dialect's delimiter,
 * set it to that of , ; | and tab which the line has most.  Nothing is set for
 * "-", standard input, nor where the file cannot be read. */
void catalogue_rows_find_delimiter(const char *path,
				   struct csv_dialect *dialect);

#endif
