/* profile_store: the profiles of one or several files, read once and kept for
 * several passes over their rows.
 *
 * The pairs, the customers' names and the bounds of the rows are written to
 * temporary files beyond the given number of bytes; only the tags are always in
 * memory. */
#ifndef MODEL_PROFILE_STORE_H
#define MODEL_PROFILE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "base/tempfile.h"
#include "model/tag_prefixes.h"
#include "model/weighting.h"

/* One tag of one customer. */
struct stored_pair {
	uint32_t tag;    /* index in profile_store.tags */
	uint32_t events; /* with VALUE_AUTO; else 0 */
	double raw; /* weighting_value of the pair, in the events' unit; with
		       VALUE_AUTO the sum */
};

/* Owns all that it points to. */
struct profile_store {
	char *columns[4]; /* the names of the first file's columns */
	size_t n;         /* customers */
	enum value value; /* asked for; in place of VALUE_AUTO the one chosen */
	double repeated;  /* share of pairs with more than one event, of those
			     whose tags are no attributes */
	bool weighted;    /* events have weights: VALUE_AUTO is the sum */
	bool in_order;    /* the names ascend by raw bytes as they were read */
	struct string_table tags; /* in the order first seen */
	uint32_t *tag_file;       /* of each tag: the index of its file */
	size_t *tag_users; /* of each tag: customers that have a pair with it */
	uint64_t compared_pairs; /* pairs whose tag is no attribute */
	uint64_t repeated_pairs; /* those of them with more than one event */
	/* private */
	bool *attribute; /* of each tag */
	size_t file_capacity, user_capacity, attribute_capacity;
	const struct tag_prefixes *attributes; /* the caller's */
	bool by_events; /* VALUE_AUTO became VALUE_EVENTS */
	struct tempfile pairs, users, bounds;
	const struct row_bound *bound; /* n + 1 */
};

/* VALUE_AUTO becomes VALUE_EVENTS where at least this share of the pairs has
 * several events, and VALUE_SUM otherwise. */
#define PROFILE_STORE_MIN_REPEATED 0.05

/* How profiles are read. */
struct profile_store_options {
	enum value value;
	const struct tag_prefixes *attributes; /* of tags that do not count for
						  VALUE_AUTO */
	size_t memory;     /* bytes of rows that may stay out of temporary
			      files */
	bool may_be_empty; /* a header alone is no error */
	unsigned threads;  /* for one file; several are read on one.  The store
			      is the same */
};

/* Read count files (0: standard input) side by side.  Returns NULL or an error
 * text that names the file: also where two files have a tag in common, or a
 * pair more events than a count has room for. Where a line is wrong,
 * events/profile_reader.h ends the process. */
const char *profile_store_read(struct profile_store *store, char **paths,
			       size_t count,
			       const struct profile_store_options *options);

/* The value that is used where asked is given, and in *share the share of
 * repeated of so many pairs (those whose tag is no attribute). */
enum value profile_store_choose(enum value asked, uint64_t pairs,
				uint64_t repeated, double *share);

/* The pairs of row 0 <= row < n, in the order of the files' lines. */
const struct stored_pair *profile_store_row(struct profile_store *store,
					    size_t row, size_t *count);

/* Bring all rows to where profile_store_row and profile_store_name read them,
 * which then leave the store as it is: copies of *store can be read side by
 * side. */
void profile_store_map(struct profile_store *store);

/* The raw value of a pair, by the chosen value. */
double profile_store_raw(const struct profile_store *store,
			 const struct stored_pair *pair);

/* The name of the row's customer: *length bytes, not terminated. */
const char *profile_store_name(struct profile_store *store, size_t row,
			       size_t *length);

void profile_store_free(struct profile_store *store);

#endif
