/* column_removal: does one column of the log carry the ranks?  A tag, or a
 * family of tags, that identifies people (the store, the postcode) makes every
 * similarity look right.
 *
 * A family is the tags that begin with the same text up to their first blank,
 * ":", "=" or "/", or all tags that are digits alone, as the numbers of stores
 * are.  Other columns whose values have no text in common are not told apart
 * from the rest; cs-aggregate --prefix gives them one.  Those of single tags
 * and of families that add most to the similarity of customers to themselves
 * are left out in turn, and the ranks by cosine of rows are found again. */
#ifndef EVALUATE_COLUMN_REMOVAL_H
#define EVALUATE_COLUMN_REMOVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "evaluate/halves.h"

/* What was left out, and the mean reciprocal rank then. */
struct removal {
	char name[64]; /* the tag, or what tags of the family begin with; cut */
	bool family;
	bool numbers; /* a family: the tags that are digits alone; name is
			 "numbers" */
	size_t tags;  /* left out */
	double share; /* of the similarity of customers to themselves */
	double mrr;   /* without */
};

enum { REMOVALS = 6 };

/* Try up to REMOVALS; returns how many.  The pair has the same columns. */
size_t column_removal_try(const struct half_pair *pair,
			  const struct population *population, unsigned threads,
			  struct removal removals[REMOVALS]);

#endif
