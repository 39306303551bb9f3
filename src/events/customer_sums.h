/* customer_sums: the rows that profiles have of one customer, added up by tag
 * and written. */
#ifndef EVENTS_CUSTOMER_SUMS_H
#define EVENTS_CUSTOMER_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "events/customer_names.h"
#include "events/spill_runs.h"

/* A row of the customer; its tag is escaped as in a profile. */
struct customer_row {
	struct string_slice tag;
	uint64_t events;
	decimal value;
};

/* Zero, but for what the caller sets. */
struct customer_sums {
	struct run_writer *writer;          /* set */
	const struct customer_names *names; /* set; for who is left out */
	struct customer_row *rows;          /* of the current customer */
	size_t count, room;
	uint64_t lines;           /* rows of all customers */
	uint64_t forgotten;       /* of those who are left out */
	struct string_table tags; /* all that were written */
};

/* Add a row of the current customer; its text is the caller's, and stays until
 * the customer is written. */
void customer_sums_add(struct customer_sums *sums,
		       const struct customer_row *row);

/* Write the customer, whose name is escaped, with the sums of its rows, unless
 * it is left out; then it has no rows.  NULL, or an error text where a sum is
 * too large; then a part of the customer may be written. */
const char *customer_sums_write(struct customer_sums *sums, const char *name,
				size_t length);

/* Free what it has; not the writer. */
void customer_sums_free(struct customer_sums *sums);

#endif
