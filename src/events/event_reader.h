/* event_reader: the rows of event logs made (customer, tag) records, on several
 * threads; every row is used, has no tag, or is rejected. */
#ifndef EVENTS_EVENT_READER_H
#define EVENTS_EVENT_READER_H

#include <stdint.h>

#include "events/column_detect.h"
#include "text/csv_reader.h"
#include "events/group_by.h"
#include "events/item_tags.h"
#include "events/rejects.h"

struct event_reader {
	struct csv_source source;
	struct columns *columns;
	const struct item_tags *items; /* of --tags, or NULL */
	const char *separator;         /* of tags in a cell, or NULL */
	struct group_by *groups;
	struct rejects *rejects;
	struct event_reader_thread *states; /* of each thread; private */
	uint64_t rows_in, rows_used, rows_untagged;
};

/* Read the source to its end; what is in the groups then is right only where
 * nothing was rejected or rejects are kept. */
void event_reader_run(struct event_reader *events);

#endif
