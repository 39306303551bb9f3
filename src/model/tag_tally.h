/* tag_tally: what the columns of a matrix, their weights and the tenths of its
 * customers are made of: counts over all customers, which add up over shards.
 */
#ifndef MODEL_TAG_TALLY_H
#define MODEL_TAG_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/exact_sum.h"
#include "model/csr_matrix.h"
#include "model/weighting.h"

/* Owns its arrays, unless they are views of a file. */
struct tag_tally {
	size_t m;                   /* tags */
	uint64_t customers;         /* how many */
	uint64_t pairs;             /* of customer and tag */
	uint64_t *users;            /* m: customers with a pair of the tag */
	uint64_t *active;           /* m + 1: customers with so many tags */
	uint64_t *before;           /* m + 1: with fewer; by tag_tally_rank */
	struct exact_sum *squares;  /* m, or NULL: the squares of the tag's
				       damped values */
	int64_t *tenths;            /* m x TENTHS, as in csr_matrix */
	int64_t tenth_size[TENTHS]; /* as in csr_matrix */
};

/* Begin with zeros, of m tags. */
void tag_tally_begin(struct tag_tally *tally, size_t m, bool squares);

/* Count a customer with these entries, so many of whose tags count as active.
 */
void tag_tally_add(struct tag_tally *tally, const struct matrix_entry *entries,
		   size_t count, size_t active, enum damp damp);

/* Set before, once all customers are counted. */
void tag_tally_rank(struct tag_tally *tally);

/* The tenth of the customer with that name and so many active tags, one of
 * those counted, by the place among all: floor(10 place / customers).  Of the
 * customers[a] with a active tags, which follow before[a] others, a name is at
 * place before[a] + floor(XXH3(name) active[a] / 2^64): it does not depend on
 * which others are in a file.  TENTHS where no customer with so many tags was
 * counted.  No overflow for up to 2^60 customers. */
unsigned char tag_tally_tenth(const struct tag_tally *tally, size_t active,
			      const char *name, size_t length);

/* Count the tags of a customer of that tenth. */
void tag_tally_add_tenth(struct tag_tally *tally,
			 const struct matrix_entry *entries, size_t count,
			 unsigned char tenth);

void tag_tally_free(struct tag_tally *tally);

#endif
