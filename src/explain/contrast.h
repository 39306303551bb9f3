/* contrast: what sets a group of customers apart from others who are as
 * active.
 *
 * For each tag:
 * - members: how many of the group have it (a raw value above zero);
 * - expected: how many would, if each member had it as often as the others of
 *   the member's tenth (by number of tags) have it: indirect standardization
 *   (Breslow and Day, Statistical Methods in Cancer Research II, 1987, 2.3);
 * - times: members / expected, a standardized rate ratio, with a 95 % interval:
 *   Wilson's intervals (JASA 22, 1927) of both rates, that of the others with
 *   the number of customers that gives its variance, joined by MOVER-R (Donner
 *   and Zou, Stat. Methods Med. Res. 21, 2012);
 * - p: of the two-sided mid-p test (Lancaster, JASA 56, 1961) that the group is
 *   drawn at random, as many of each tenth, from itself and the others: the
 *   distribution is exact (explain/stratified_count.h), but for counts of large
 *   variance, where it is normal (Mantel and Haenszel, JNCI 22, 1959).
 * A tag is listed when at least min_members members have it and the procedure
 * of Benjamini and Hochberg (J. R. Stat. Soc. B 57, 1995) at a rate keeps it,
 * over all tags that min_members customers of both sides have.
 *
 * Whether p is a test depends on where the group comes from: one that was found
 * in the same rows has listed tags by construction. */
#ifndef EXPLAIN_CONTRAST_H
#define EXPLAIN_CONTRAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/csr_matrix.h"

/* The group of a customer who is in none. */
#define CONTRAST_NONE UINT32_MAX

/* The usual rate of false discoveries. */
#define CONTRAST_RATE 0.05

/* A p below this is given as this: the distribution ends there. */
#define CONTRAST_MIN_P 1e-15

struct contrast_options {
	size_t min_group;   /* smaller groups are not described */
	size_t min_members; /* tags of fewer members are not listed */
	double rate; /* of false discoveries: CONTRAST_RATE; 1: all tags */
	/* n bits (base/bitset.h): with whom groups are compared, but for those
	 * in them; NULL: all. */
	const uint64_t *against;
	const bool *skipped; /* m: tags that are not tested; NULL: none */
	unsigned threads;
};

/* A tag of a group. */
struct contrast_tag {
	uint32_t tag;
	size_t members;
	double expected;
	double times, low, high; /* INFINITY: none of the others has it */
	double p;
	double mean;        /* raw value, of the members who have it */
	double mean_others; /* of the others who have it; NAN: none has */
};

struct contrast_group {
	size_t customers; /* in the group */
	size_t compared;  /* of them, with others in their tenth */
	size_t others;    /* compared with */
	size_t tested;    /* tags */
	/* Listed tags, strongest first (by the Poisson deviance of members and
	 * expected): those that more have than expected, and fewer. */
	struct contrast_tag *more, *fewer;
	size_t more_count, fewer_count;
};

/* Compare groups; group[i] < groups or CONTRAST_NONE is that of row i, and
 * result (groups items) is written; its lists are the caller's.  A group below
 * min_group, or with no one to compare with, has no lists and tested 0.  The
 * same bytes for any threads.  O(nnz + groups x m) and the tests.  NULL or an
 * error text that names a damaged row; then there is nothing to free. */
const char *contrast_compute(const struct csr_matrix *matrix,
			     const uint32_t *group, size_t groups,
			     const struct contrast_options *options,
			     struct contrast_group *result);

void contrast_free(struct contrast_group *result, size_t groups);

/* The p of members of the strata, as above. */
struct count_distribution;
struct stratum;
double contrast_p(struct count_distribution *distribution,
		  const struct stratum *strata, size_t count, size_t members);

#endif
