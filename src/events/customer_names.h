/* customer_names: customers whose names are replaced by pseudonyms, and those
 * who are left out. */
#ifndef EVENTS_CUSTOMER_NAMES_H
#define EVENTS_CUSTOMER_NAMES_H

#include <nettle/hmac.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/string_table.h"

/* Bytes of a pseudonym: the first half of HMAC-SHA-256 (FIPS 198-1) of the
 * name, in hexadecimal digits. */
enum { PSEUDONYM_SIZE = 32 };

/* All zero: names stay, and none is left out. */
struct customer_names {
	bool has_key;
	struct hmac_sha256_ctx key;
	bool has_forgotten;
	struct string_table forgotten; /* names, escaped as in TSV, in each
					  form in which they may be meant */
	size_t forgotten_listed;       /* names in the file */
};

/* Take the key from a file: all of its bytes but for line ends at its end, from
 * 16 to 4,096 of them.  Ends the process where it cannot be. */
void customer_names_read_key(struct customer_names *names, const char *path);

/* Take the names of those who are left out from a file, one a line
 * (text/name_lines.h); blanks around a name, quotes and what follows a comma, a
 * semicolon or a tab do not count.  Ends the process where it cannot be read,
 * names nobody, or has one line that may be a name with another field or two
 * names. */
void customer_names_read_forgotten(struct customer_names *names,
				   const char *path);

/* Replace the names of those who are left out by their pseudonyms, where there
 * is a key: for profiles, whose names are pseudonyms. */
void customer_names_hash_forgotten(struct customer_names *names);

/* Warn that nobody who was to be left out, by this file, has a row. */
void customer_names_warn_none(const struct customer_names *names,
			      const char *path);

/* Whether the customer, whose name is escaped as in TSV, is left out; for any
 * number of threads. */
bool customer_names_is_forgotten(const struct customer_names *names,
				 const char *text, size_t length);

/* Write the PSEUDONYM_SIZE bytes of the pseudonym of a name, escaped as in TSV
 * (the hash is of the name without its escapes).  For any number of threads. */
void customer_names_hash(const struct customer_names *names, const char *text,
			 size_t length, char *pseudonym);

void customer_names_free(struct customer_names *names);

#endif
