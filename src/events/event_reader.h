/* event_reader: the rows of event logs made (customer, tag) records, on several
 * threads; every row is used, has no tag, or is rejected.  A line that repeats
 * the header is no row. */
#ifndef EVENTS_EVENT_READER_H
#define EVENTS_EVENT_READER_H

#include <stdint.h>

#include "events/column_detect.h"
#include "events/customer_names.h"
#include "text/csv_reader.h"
#include "events/group_by.h"
#include "events/item_join.h"
#include "events/item_tags.h"
#include "events/log_checks.h"
#include "events/rejects.h"
#include "events/row_check.h"

/* A log is cut in two by a keyed hash, whole groups of rows, or of tags: half
 * A has those whose hash is even, and quarter AA those whose half is. */
enum event_half {
	HALF_ALL,
	HALF_A,
	HALF_B,
	QUARTER_AA,
	QUARTER_AB,
	QUARTER_BA,
	QUARTER_BB
};

struct event_reader {
	struct csv_source source;
	struct columns *columns;
	struct row_rules rules;
	const struct item_tags *items;      /* of --tags, or NULL */
	const char *separator;              /* of tags in a cell, or NULL */
	const struct customer_names *names; /* pseudonyms, or NULL */
	struct item_join join; /* rows whose item is in items, or not */
	struct group_by *groups;
	struct rejects *rejects;
	struct event_reader_thread *states; /* of each thread; private */
	enum event_half half;               /* which events count */
	bool half_by_tag;  /* halves of the tags, not of rows; set at the
			      latest when the first file is open */
	uint64_t half_key; /* of tags; of rows: source.hash_key */
	uint64_t rows_in, rows_used, rows_untagged;
	uint64_t rows_other;     /* of the other half */
	uint64_t rows_left_out;  /* by the filter */
	uint64_t rows_forgotten; /* of customers of --forget */
	struct row_observations observations;
	struct foreign_bytes foreign;
	char first_row[ROW_FILTER_ROOM]; /* what the first row has in the
					    columns of a filter; "" where the
					    first block has no row */
	const char *alike; /* a name of the first header that looks like the
			      field of the row below; or NULL */
};

/* Read the source to its end; what is in the groups then is right only where
 * nothing was rejected or rejects are kept. */
void event_reader_run(struct event_reader *events);

#endif
