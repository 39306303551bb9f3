/* stratified_count: how many of a group have a tag, if the group is drawn at
 * random: of each stratum (a tenth of activity) as many customers as the group
 * has there, without replacement.  The count is a sum of independent
 * hypergeometric counts, one for each stratum. */
#ifndef EXPLAIN_STRATIFIED_COUNT_H
#define EXPLAIN_STRATIFIED_COUNT_H

#include <stddef.h>
#include <stdint.h>

/* A stratum: so many customers, of which holders have the tag, and how many are
 * drawn from it. */
struct stratum {
	int64_t customers, holders;
	size_t draws;
};

/* The expected count and its variance. */
double strata_mean(const struct stratum *strata, size_t count);
double strata_variance(const struct stratum *strata, size_t count);

/* P(first + i) is p[i] for i < count; what lies outside is negligible.  Zero
 * at first; may be made again and again. */
struct count_distribution {
	double *p; /* count */
	size_t first, count;
	size_t room;         /* private */
	double *part, *next; /* private: room each */
};

/* Make the distribution.  Terms of less than negligible times the largest of
 * their stratum, or less than negligible in the sum, are left out.  Each
 * stratum has holders <= customers and draws <= customers.
 * O(width of the result x width of a stratum) for each stratum, a width being
 * at most the draws and growing as the standard deviation. */
void count_distribution_make(struct count_distribution *distribution,
			     const struct stratum *strata, size_t count,
			     double negligible);

/* P(the count is at least x), summed from the small end, so that little is
 * lost. */
double count_distribution_upper(const struct count_distribution *distribution,
				size_t x);

/* The mid-p value of the two-sided test of that many: twice the smaller of
 * P(X < x) + P(x) / 2 and P(X > x) + P(x) / 2, at most 1. */
double count_distribution_mid_p(const struct count_distribution *distribution,
				size_t x);

void count_distribution_free(struct count_distribution *distribution);

#endif
