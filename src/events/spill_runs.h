/* spill_runs: sums for each (customer, tag), in the order of their text, in a
 * file; several of them merge exactly into one.
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

#include "base/decimal.h"
#include "base/io.h"
#include "events/doubtful_names.h"

/* A writer of sums: as the lines of a profile, as a run, or not at all, where
 * they are only counted. */
struct run_writer {
	enum { RUN_WRITER_PROFILE, RUN_WRITER_RUN, RUN_WRITER_COUNT } kind;
	struct output *output; /* in memory, or of a file */
	bool valued;           /* of a profile: value is the sum, not events */
	const char *prefix;    /* of a profile: before each tag, escaped */
	size_t prefix_length;
	const char *user; /* the current customer */
	size_t user_length;
	uint64_t users, pairs; /* how many were written */
	uint64_t user_events;  /* of the current customer */
	struct doubtful_names doubtful;
};

/* Begin a customer, write the sum of each of its tags in ascending order, end
 * the customer.  Texts are escaped as they stand in a profile; that of the
 * customer must stay until run_writer_end_user. */
void run_writer_user(struct run_writer *writer, const char *user,
		     size_t length);
void run_writer_pair(struct run_writer *writer, const char *tag, size_t length,
		     uint64_t events, decimal value);
void run_writer_end_user(struct run_writer *writer);

/* The sums of a customer and tag; zero at first. */
struct pair_sums {
	uint64_t events;
	decimal value;
};

/* Add a row.  NULL, or an error text where the sums are more than a row of a
 * profile may have. */
const char *pair_sums_add(struct pair_sums *sums, uint64_t events,
			  decimal value);

/* Where a run stands in a file. */
struct spill_run {
	off_t begin, end;
};

/* Runs in one unlinked file in $TMPDIR, in the order in which they were added.
 * Zero is none. */
struct spill_runs {
	int fd; /* where there are any */
	struct spill_run *runs;
	size_t count, capacity;
	off_t size;
};

/* Begin a run at the end of the file, add bytes to it, end it. */
void spill_runs_begin(struct spill_runs *runs);
void spill_runs_add(struct spill_runs *runs, const void *bytes, size_t size);
void spill_runs_end(struct spill_runs *runs);

/* Merge all runs into the writer with about memory bytes, in as many passes as
 * that takes, and free them. */
void spill_runs_merge(struct spill_runs *runs, struct run_writer *writer,
		      size_t memory);

/* Close the file and forget the runs. */
void spill_runs_free(struct spill_runs *runs);

#endif
