/* item_join: how much of what is looked up in a catalogue is there. */
#ifndef EVENTS_ITEM_JOIN_H
#define EVENTS_ITEM_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events/item_tags.h"

/* Counts of what was looked up.  Zero is nothing yet. */
struct item_join {
	uint64_t found, missing;
	uint64_t sequence; /* of the example: the lowest counts */
	char example[48];  /* of what is missing, cut */
	bool header;       /* item_tags.header was looked up: it is no header */
};

/* Count something, of so many rows, that is missing. */
void item_join_miss(struct item_join *join, const char *text, size_t length,
		    uint64_t sequence);

/* Add the counts of another; the order does not matter. */
void item_join_merge(struct item_join *sum, const struct item_join *join);

/* Returns an error text, with an example of each side, where things were looked
 * up and all are missing; else NULL, after a notice where more than half are.
 * what they are called, "rows' items", is for the message. */
const char *item_join_check(const struct item_join *join,
			    const struct item_tags *items, const char *option,
			    const char *what);

#endif
