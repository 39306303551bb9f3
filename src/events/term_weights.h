/* term_weights: terms of items by their weight: term frequency times inverse
 * document frequency, scaled to unit length ("ltc" of Salton and Buckley,
 * Information Processing and Management 24, 1988).
 *
 * A term is a word, or a pair of neighbouring words.  With tf the number of
 * times that an item has it, df the number of items that have it, and n the
 * number of items, its weight is (1 + ln tf) ln(n / df). */
#ifndef EVENTS_TERM_WEIGHTS_H
#define EVENTS_TERM_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "events/catalogue_words.h"

/* No second word. */
#define TERM_SINGLE UINT32_MAX

/* Which terms count. */
struct term_options {
	double most;  /* a word that more than this share of the items have is a
			 stop word: it is in no term; 0: a tenth of them, but of
			 less than 100 items a word that more than 10 have */
	size_t least; /* a term that fewer items have is none */
	size_t kept;  /* how many terms of an item, those of most weight */
	bool pairs;   /* pairs of words are terms, too */
};

struct item_term {
	uint32_t item, first, second; /* indices of item and words; second may
					 be TERM_SINGLE */
	double weight;                /* above 0, at most 1 */
};

/* Terms by item, those of an item by descending weight, equal ones by their
 * words. */
struct term_weights {
	struct item_term *terms;
	size_t count;
	size_t bare;           /* items without a term */
	size_t singles, pairs; /* different terms */
	size_t stop_words;     /* words that too many items have */
};

/* Find the terms of all items; memory ends the process.  Time: that of sorting
 * the words.  Free it with term_weights_free. */
void term_weights_find(struct term_weights *weights,
		       const struct catalogue_words *catalogue,
		       const struct term_options *options);

/* Write CSV: a header, and a line for each term of each item: item, term,
 * weight with 6 decimals. */
void term_weights_write(struct output *output,
			const struct term_weights *weights,
			const struct catalogue_words *catalogue);

void term_weights_free(struct term_weights *weights);

#endif
