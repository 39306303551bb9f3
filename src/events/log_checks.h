/* log_checks: what makes the encoding or the header of a log doubtful, though
 * its rows can be read. */
#ifndef EVENTS_LOG_CHECKS_H
#define EVENTS_LOG_CHECKS_H

#include <stddef.h>
#include <stdint.h>

#include "events/column_detect.h"
#include "text/csv_reader.h"

/* Where a log first has bytes that are not UTF-8. */
struct foreign_bytes {
	size_t file, line; /* line 0: nowhere */
	uint64_t sequence; /* of the block */
	unsigned char bytes[4];
	size_t count;
};

/* Look for them in a block, unless some are found already. */
void foreign_bytes_find(struct foreign_bytes *foreign,
			const struct csv_block *block);

/* The first becomes the other, where that stands before it. */
void foreign_bytes_merge(struct foreign_bytes *first,
			 const struct foreign_bytes *other);

/* Of the names that the header gives the columns, one that is like the field of
 * the first row, equal but for the digits of numbers, of which it has some; or
 * one of a column given by its number that some row has as customer or tag. The
 * header may then be a row.  NULL: there is none. */
const char *header_like_row(const struct columns *columns,
			    const struct csv_rows *rows);

#endif
