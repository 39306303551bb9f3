/* catalogue_words: the words in texts of a catalogue in CSV, such as titles and
 * descriptions, by item. */
#ifndef EVENTS_CATALOGUE_WORDS_H
#define EVENTS_CATALOGUE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "text/csv_dialect.h"

/* Columns of texts, at most. */
enum { CATALOGUE_WORDS_MAX_TEXTS = 31 };

/* What to read, and how. */
struct catalogue_words_source {
	char **paths; /* count files; none: standard input */
	size_t count;
	struct csv_dialect dialect; /* where the first file is without its
				       delimiter, all may have , ; | or a tab */
	bool headed;                /* the first line names columns */
	const char *item; /* the column, by name or number; NULL: the first */
	const char *const *texts; /* text_count columns; none: the second */
	size_t text_count;
	const char *stem; /* a language of libstemmer, or NULL */
};

/* A word in a text. */
struct word_use {
	uint32_t item, word;
	bool joined; /* it follows the word of the use before: nothing but
			blanks and hyphens is between them */
};

/* Zero at first. */
struct catalogue_words {
	struct string_table items; /* escaped as in TSV, as they first appear */
	struct string_table words;
	struct word_use *uses; /* in the order of the texts */
	size_t count, capacity;
	char *item_name; /* of the column; NULL without header */
};

/* Read a catalogue.  Rows of one item add up; a text that it had before counts
 * once.  Says which columns it takes where they are not named.  Ends the
 * process on a wrong row, an unknown column or an unknown language. */
void catalogue_words_read(struct catalogue_words *catalogue,
			  const struct catalogue_words_source *source);

void catalogue_words_free(struct catalogue_words *catalogue);

#endif
