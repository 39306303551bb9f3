/* profile_reader: sorted profile files, read side by side, a customer at a
 * time. */
#ifndef EVENTS_PROFILE_READER_H
#define EVENTS_PROFILE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/string_table.h"
#include "text/tsv.h"

/* What the name of the column of values begins with where events have weights:
 * then the number of events is not what they count. */
#define PROFILE_WEIGHTED "weighted_"

/* A tag of the current customer. */
struct profile_entry {
	size_t tag; /* begin of its text in texts */
	size_t length;
	size_t file; /* which file it stands in */
	size_t line; /* and where, for messages */
	uint64_t events;
	decimal value;
};

/* The files, merged by customer.  profile_reader_next sets customer, entries
 * and texts; the rest is private. */
struct profile_reader {
	struct profile_file *files;
	size_t file_count;
	char *customer;
	size_t customer_length, customer_room;
	struct profile_entry *entries;
	size_t count, capacity;
	char *texts; /* of the entries' tags */
	size_t texts_used, texts_room;
	bool begun; /* the first row of each file is read */
};

/* Open the files and read their header lines; no paths: standard input. */
void profile_reader_open(struct profile_reader *profiles, char **paths,
			 size_t count);

/* The next customer, with its entries file by file; false at the end.  Ends
 * the process on a wrong row, and where a file is not in the order of
 * LC_ALL=C sort -t TAB -k1,1 -k2,2, which is that of escaped text. */
bool profile_reader_next(struct profile_reader *profiles);

/* Of file i, before the first profile_reader_next: read about size bytes and
 * set *bytes to lines of whole customers; returns their bytes, 0 where what is
 * left is for profile_reader_next, or nothing is, which *all says: no bytes
 * follow these lines.  Nothing is checked but that the first line's customer is
 * above the last passed over.  They are valid until the next call for the file,
 * which returns them again unless they are skipped. */
size_t profile_reader_lines(struct profile_reader *profiles, size_t i,
			    size_t size, const char **bytes, bool *all);

/* Pass over the first size of these bytes: so many lines of whole customers,
 * with the customer and the tag of the last. */
void profile_reader_skip(struct profile_reader *profiles, size_t i, size_t size,
			 size_t lines, const struct string_slice *customer,
			 const struct string_slice *tag);

/* The share of the input that is read, or -1 where its size is unknown. */
double profile_reader_share(const struct profile_reader *profiles);

/* "file:line: message" about an entry, as an error_text. */
const char *profile_reader_error(const struct profile_reader *profiles,
				 const struct profile_entry *entry,
				 const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The name of a column (0 to 3) in file i's header. */
const char *profile_reader_column(const struct profile_reader *profiles,
				  size_t file, size_t column);

/* The name of file i, for messages. */
const char *profile_reader_name(const struct profile_reader *profiles,
				size_t file);

/* Close the files and free all memory. */
void profile_reader_close(struct profile_reader *profiles);

#endif
