/* profile_lines: lines of a profile without escapes, parsed in memory, so that
 * several threads can do it side by side. */
#ifndef EVENTS_PROFILE_LINES_H
#define EVENTS_PROFILE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/string_table.h"

/* Owns its arrays; the texts are the caller's.  Zero is empty. */
struct profile_lines {
	size_t customers, pairs;
	struct string_slice *names; /* customers */
	size_t *ends; /* customers: the pairs up to each one's last */
	struct string_slice *tags; /* pairs */
	uint64_t *events;          /* pairs */
	decimal *values;           /* pairs */
	/* private */
	size_t customer_capacity, end_capacity, tag_capacity, event_capacity,
		value_capacity;
};

/* Parse size bytes of lines, each with its newline; memory is reused.  False
 * where a line is wrong, has an escape or a number written in an unusual way,
 * or is not above the line before: the lines are for profile_reader_next
 * then. */
bool profile_lines_parse(struct profile_lines *lines, const char *bytes,
			 size_t size);

/* The first line at or behind the byte at that begins a customer; size where
 * there is none.  bytes begin with a line. */
size_t profile_lines_boundary(const char *bytes, size_t size, size_t at);

/* The begin of the last customer of size bytes of lines; 0 where there is only
 * one, or a line has no tab. */
size_t profile_lines_last_customer(const char *bytes, size_t size);

/* The customer of the line at text, and of the line that ends before the byte
 * at, which is not 0. */
struct string_slice profile_lines_customer(const char *text, const char *end);
struct string_slice profile_lines_customer_before(const char *bytes, size_t at);

/* Of lines from begin on in the order of a profile, the first whose customer is
 * above this one; size where there is none.  Both begin and size end a line.
 * In any case the line before it is not above the customer, if it is behind
 * begin, and the line there is, if it is before size. */
size_t profile_lines_above(const char *bytes, size_t begin, size_t size,
			   const struct string_slice *customer);

void profile_lines_free(struct profile_lines *lines);

#endif
