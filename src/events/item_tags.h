/* item_tags: which tags an item has, from a catalogue in CSV (--tags), many an
 * item; and the tags in a cell that holds several (--tag-sep). */
#ifndef EVENTS_ITEM_TAGS_H
#define EVENTS_ITEM_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/string_table.h"
#include "events/null_texts.h"
#include "text/csv_dialect.h"

/* Columns of tags of one catalogue, at most. */
enum { ITEM_TAGS_MAX_LEVELS = 16 };

/* What to read, and how. */
struct item_tags_source {
	const char *option;   /* its name, for messages */
	const char *argument; /* FILE, or FILE:ITEM,TAG[,TAG...] with columns by
				 name or number; without them the first two */
	struct csv_dialect dialect; /* of the log; a catalogue without its
				       delimiter may have , ; | or a tab */
	struct decimal_style style; /* of weights */
	bool headed;           /* the first line names columns, it may be; names
				  of columns in argument say so, too */
	bool trim;             /* take blanks from the ends of items and tags */
	const char *separator; /* of tags in a cell, escaped; or NULL */
	struct null_texts nulls; /* what is no tag */
	bool keep_item;          /* an item is a tag of itself, too */
	const char *weight;      /* the column of weights, by name or number; or
				    NULL */
	const char *levels; /* "NAME,NAME...": names of the levels; or NULL: the
			       names of their columns */
};

struct item_tags {
	struct string_table items, tags; /* names, escaped as in TSV */
	size_t *begin; /* item i has tag[begin[i] .. begin[i + 1]) */
	uint32_t *tag;
	int64_t *weight;  /* of tag[i], a decimal; NULL without weights */
	int64_t heaviest; /* the largest of them; 0 without weights */
	char *file;       /* its name, for messages */
	char *item_name;  /* of the column; NULL without header */
	char *tag_name;   /* of the column; NULL without header or where there
			     are several levels */
	char *own_prefix; /* keep_item: escaped, before the item; or NULL */
	uint64_t rounded; /* weights of more than 9 decimals */
	size_t header;    /* the item that the first line would be, were it no
			     header; or STRING_TABLE_NONE */
};

/* Read a catalogue.  The items and tags of its first line are added, too, where
 * it may be no header.  Equal pairs count once, and must have equal weights; an
 * empty tag is none.  A weight is a number from 0 to below 10^9, and 1 where an
 * item is a tag of itself; how many were rounded to nine decimals is said. With
 * several levels (columns of tags, and the item
 * with keep_item) each tag begins with its level's name and a colon.  Says
 * which columns it takes where they are not named.  Ends the process on a wrong
 * row. */
void item_tags_read(struct item_tags *items,
		    const struct item_tags_source *source);

/* The next part of a cell of size bytes, from *at on: returns where it begins
 * and sets *length; NULL at the end.  Empty parts are skipped.  Both texts are
 * escaped (tsv.h); without a separator (NULL) the cell is one part. */
const char *item_tags_next_part(const char *cell, size_t size, size_t *at,
				const char *separator, size_t *length);

/* Free the tables and lists. */
void item_tags_free(struct item_tags *items);

#endif
