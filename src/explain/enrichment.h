/* enrichment: which tags a query's neighbours have more often than chance
 * explains.
 *
 * Expected counts are by indirect standardization: what as many customers of
 * the members' tenths (by number of tags) would have, the query left out.  A
 * tag is listed when at least ENRICHMENT_MIN_MEMBERS members have it and chance
 * would seldom give as many: the exact tail of a sum of hypergeometric counts,
 * one for each tenth, with the procedure of Benjamini and Hochberg (J. R. Stat.
 * Soc. B 57, 1995) at 5 % over the tags that are compared. */
#ifndef EXPLAIN_ENRICHMENT_H
#define EXPLAIN_ENRICHMENT_H

#include "explain/summary.h"

enum { ENRICHMENT_MIN_MEMBERS = 3 };

/* Give each neighbour its profile, count who has what, and set expected
 * counts, chances and the listed tags.  Returns NULL, or an error text on what
 * the summary lacks: a profile, a tag's counts, counts that go together.
 * O(tags x group^2) at most. */
const char *enrichment_test(struct summary *summary);

#endif
