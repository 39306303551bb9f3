/* row_account: what became of the rows of a log, as a report for programs and
 * as messages for people. */
#ifndef EVENTS_ROW_ACCOUNT_H
#define EVENTS_ROW_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "events/column_detect.h"
#include "events/event_reader.h"
#include "events/group_by.h"
#include "events/rejects.h"
#include "events/row_check.h"
#include "events/spill_runs.h"

/* How many rows were read, used, without a tag, of the other half, and wrong.
 */
struct row_account {
	uint64_t in, used, untagged, other, rejected;
	uint64_t left_out;  /* by a filter */
	bool filtered;      /* there was one */
	uint64_t forgotten; /* of customers of --forget */
	bool forgets;       /* there was such a list */
	struct row_observations observations;
	bool timed;   /* rows have a time: --time */
	bool halved;  /* one half of the log was asked for */
	bool grouped; /* the counts below are known */
	struct group_by_counts counts;
};

/* Write the account as an object of JSON to a file; rejects may be NULL, and a
 * path of NULL writes nothing.  Ends the process where the file cannot be
 * written. */
void row_account_report(const struct row_account *account,
			const struct rejects *rejects, const char *path);

/* Say which columns were taken. */
void row_account_warn_columns(const struct columns *columns);

/* Say what was noticed of rows that are used, or are none. */
void row_account_warn_observations(const struct row_observations *observations,
				   const struct decimal_style *style);

/* Warn of a header that looks like a row. */
void row_account_warn_header(const struct event_reader *events);

/* Warn, once, of bytes that are not UTF-8. */
void row_account_warn_encoding(const struct event_reader *events);

/* Say the counts in a line. */
void row_account_warn(const struct row_account *account);

#endif
