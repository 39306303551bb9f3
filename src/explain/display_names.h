/* labels: names that people know, beside the ids of customers and tags; read
 * from files, shown, and never part of a model. */
#ifndef EXPLAIN_DISPLAY_NAMES_H
#define EXPLAIN_DISPLAY_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "base/io.h"

/* Ids with a label each. */
struct label_set {
	bool given;       /* a file was read */
	struct names ids; /* not escaped */
	char **texts;     /* of each id, or NULL */
	size_t room;      /* of texts */
};

struct labels {
	struct label_set customers, tags;
};

/* Read FILE or FILE:ID,NAME: CSV with a header line, and add it to the set; of
 * several names of an id the first counts.  option is for messages.  Ends the
 * process on a wrong row. */
void labels_read(struct label_set *set, const char *option,
		 const char *argument);

/* The label of an id, or NULL. */
const char *labels_find(const struct label_set *set, const char *id,
			size_t length);

/* Write, where a file was given, , "name": "LABEL", or null where the id has
 * none. */
void labels_json(const struct label_set *set, const char *id, size_t length,
		 struct output *output);

/* A number of all ids and labels: of other names it is another, but by chance;
 * 0 where no file was given. */
uint64_t labels_sum(const struct labels *labels);

void labels_free(struct labels *labels);

#endif
