/* profiles: sorted profile files, read side by side, a customer at a time. */
#ifndef EVENTS_PROFILE_READER_H
#define EVENTS_PROFILE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/number.h"
#include "text/tsv.h"

/* A tag of the current customer. */
struct entry {
	size_t tag; /* begin of its text in texts */
	size_t length;
	size_t file; /* which file it stands in */
	size_t line; /* and where, for messages */
	uint64_t events;
	decimal value;
};

/* The files, merged by customer.  All of it is private but for what a
 * profiles_next has set: the customer, and entries. */
struct profiles {
	struct profile_file *files;
	size_t file_count;
	char *customer;
	size_t customer_length, customer_room;
	struct entry *entries;
	size_t count, capacity;
	char *texts; /* of the entries' tags */
	size_t texts_used, texts_room;
};

/* Open the files and read their header lines; no paths: standard input. */
void profiles_open(struct profiles *profiles, char **paths, size_t count);

/* The next customer, with its entries file by file; false at the end.  Ends
 * the process on a wrong row, and where a file is not in the order of
 * LC_ALL=C sort -t TAB -k1,1 -k2,2, which is that of escaped text. */
bool profiles_next(struct profiles *profiles);

/* The share of the input that is read, or -1 where its size is unknown. */
double profiles_share(const struct profiles *profiles);

/* "file:line: message", and the end of the process. */
_Noreturn void profiles_die(const struct profiles *profiles,
			    const struct entry *entry, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The name of a column (0 to 3) in file i's header. */
const char *profiles_column(const struct profiles *profiles, size_t file,
			    size_t column);

/* The name of file i, for messages. */
const char *profiles_name(const struct profiles *profiles, size_t file);

void profiles_close(struct profiles *profiles);

#endif
