/* aggregation: event logs to a profile, from the first file that is opened to
 * the last message; and several profiles to one.
 *
 * Rows of CSV (text/csv_reader.h) become records (events/event_reader.h), which
 * are summed and written in the order of their text (events/group_by.h); wrong
 * rows are counted and reported (events/rejects.h). */
#ifndef EVENTS_AGGREGATION_H
#define EVENTS_AGGREGATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/number.h"
#include "events/column_detect.h"
#include "events/event_reader.h"
#include "events/row_filter.h"
#include "text/csv_reader.h"

/* What is asked for.  Texts are the caller's and stay; those of fields and tags
 * (nulls, separator, prefix) are escaped as in TSV. */
struct aggregation_options {
	struct columns columns;     /* named and headed */
	struct csv_dialect dialect; /* of the logs and of catalogues */
	struct decimal_style style; /* of values */
	char **nulls;               /* fields that count as empty */
	size_t null_count, null_room;
	bool trim;   /* blanks at the ends of customers and tags */
	size_t skip; /* lines before the header */
	struct row_filter filter;
	/* COL:FILE of row_filter_read_weights, or NULL */
	const char *weight_by;
	const char *from;   /* the landmark of the decay as given, or NULL */
	int64_t landmark;   /* that, in milliseconds */
	double half_life;   /* days, or 0 */
	const char *tags;   /* the argument of --tags, or NULL */
	bool keep_item;     /* an item is a tag of itself, too */
	const char *levels; /* the names of item and tags, or NULL */
	const char *tag_weight; /* a column of the catalogue, or NULL */
	const char *separator;  /* of several tags in a cell, or NULL */
	const char *prefix;     /* of each tag in the profile, or NULL */
	const char *rejects;    /* where wrong rows go: a file, or NULL */
	const char *report;     /* where the account of rows goes, or NULL */
	const char *output;     /* a file or directory, NULL: standard output */
	size_t shards;          /* files of that directory; 0: one file */
	const char *key;        /* of pseudonyms: a file, or NULL */
	const char *forget;     /* customers left out: a file, or NULL */
	const char *half_by;    /* a column, or NULL: each event by itself */
	enum event_half half;
	size_t seed;   /* of the hash that cuts in halves */
	size_t memory; /* bytes, about */
	unsigned threads;
	bool quiet;   /* errors alone are reported */
	bool verbose; /* so are counts that nothing is wrong with */
};

/* Write the profile of the logs at count paths (none: standard input).  Sets
 * what columns and filter leave to it, and frees both.  Ends the process where
 * a file cannot be read or written, and with STATUS_WRONG where rows are wrong
 * and not set aside. */
void aggregation_run(struct aggregation_options *options, char **paths,
		     size_t count);

/* The same for profiles, which are added up; only prefix, key, forget, report,
 * output, shards, memory, threads, quiet and verbose count. */
void aggregation_merge(const struct aggregation_options *options, char **paths,
		       size_t count);

#endif
