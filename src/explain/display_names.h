/* display_names: names that people know, beside the ids of customers and tags;
 * read from files, shown, and never part of a model. */
#ifndef EXPLAIN_DISPLAY_NAMES_H
#define EXPLAIN_DISPLAY_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "events/item_join.h"
#include "text/json_writer.h"

/* Ids with a name each. */
struct display_name_set {
	bool given;  /* a file was read */
	char *file;  /* the name of the first one */
	bool header; /* its first id may be the name of its column */
	struct string_table ids; /* not escaped */
	char **texts;            /* the name of each id, or NULL; owned */
	size_t room;             /* of texts */
};

struct display_names {
	struct display_name_set customers, tags;
};

/* Read FILE or FILE:ID,NAME: CSV with a header line, and add it to the set; of
 * several names of an id the first counts.  option is for messages.  Ends the
 * process on a wrong row. */
void display_names_read(struct display_name_set *set, const char *option,
			const char *argument);

/* The name of an id, or NULL; the set's. */
const char *display_names_find(const struct display_name_set *set,
			       const char *id, size_t length);

/* Write, where a file was given, the member "name" of the object that is open:
 * the name of the id, or null. */
void display_names_put(const struct display_name_set *set, const char *id,
		       size_t length, struct json_writer *writer);

/* Count whether the id has a name; nothing where no file was given. */
void display_names_look_up(const struct display_name_set *set, const char *id,
			   size_t length, struct item_join *join);

/* As item_join_check: returns an error text where none of what was looked up
 * has a name, else NULL, after a notice where less than half has one.  option
 * and what, such as "tags", are for the message. */
const char *display_names_check(const struct display_name_set *set,
				const struct item_join *join,
				const char *option, const char *what);

/* A hash of all ids and names; 0 where no file was given. */
uint64_t display_names_sum(const struct display_names *names);

/* Free both sets and set them to zero; zero is allowed. */
void display_names_free(struct display_names *names);

#endif
