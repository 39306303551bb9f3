/* runs: sums for each (customer, tag), in the order of their text, in a file;
 * several of them merge exactly into one.
 *
 * A run is a sequence of customers: the length of the name, from 1, as a
 * varint, the name; then for each tag the length, the name, the number of
 * events as a varint and the value's sum as a zigzag varint of 10^-9; a length
 * of 0 ends the tags.  A length of 0 for a customer ends the run.  A varint
 * has seven bits a byte, low ones first, and the high bit where more follow. */
#ifndef EVENTS_SPILL_RUNS_H
#define EVENTS_SPILL_RUNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/number.h"
#include "base/io.h"

/* What is written: the lines of a profile, a run, or nothing: only counted. */
struct sink {
	enum { SINK_PROFILE, SINK_RUN, SINK_COUNT } kind;
	struct output *output; /* in memory, or of a file */
	bool valued;           /* of a profile: value is the sum, not events */
	const char *prefix;    /* of a profile: before each tag, escaped */
	size_t prefix_length;
	const char *user; /* the current customer */
	size_t user_length;
	uint64_t users, pairs; /* that it has had */
};

/* Texts are escaped as they stand in a profile; that of the customer must stay
 * until sink_end_user. */
void sink_user(struct sink *sink, const char *user, size_t length);
void sink_pair(struct sink *sink, const char *tag, size_t length,
	       uint64_t events, decimal value);
void sink_end_user(struct sink *sink);

/* Where a run stands in a file. */
struct run {
	off_t begin, end;
};

/* Runs in one unlinked file in $TMPDIR, in the order in which they were
 * added. */
struct runs {
	int fd; /* where there are any */
	struct run *runs;
	size_t count, capacity;
	off_t size;
};

/* Begin a run at the end of the file, add bytes to it, end it. */
void runs_begin(struct runs *runs);
void runs_add(struct runs *runs, const void *bytes, size_t size);
void runs_end(struct runs *runs);

/* Merge all runs into the sink, within about memory bytes: in as many passes as
 * that takes.  The runs are gone then. */
void runs_merge(struct runs *runs, struct sink *sink, size_t memory);

void runs_free(struct runs *runs);

#endif
