/* agreement: are the neighbours that were found in half A unusually alike in
 * half B?
 *
 * Closeness of two customers is the cosine of their rows of half B.  What is
 * expected of a neighbour v of u is worked out in two ways:
 * - by tenth: the mean closeness of u to the customers of v's tenth of
 *   activity, u itself left out; exact, from the sum of each tenth's rows;
 * - by both sides: m_u m_v / m, with m_u the mean closeness of u to all others
 *   and m the mean of all m_u.
 * The agreement is the sum of what is found over the sum of what is expected;
 * 1 is what neighbours drawn at random among equally active customers have. */
#ifndef EVALUATE_AGREEMENT_H
#define EVALUATE_AGREEMENT_H

#include "evaluate/halves.h"

struct agreement {
	const struct half_pair *pair;
	const struct population *population;
	double *by_tenth; /* query_count x 10 */
	double *mean;     /* n: m_u */
	double grand;     /* m */
};

/* Sums for a query over its neighbours. */
struct agreement_sums {
	double found, by_tenth, by_both;
};

/* pair is the one whose half B closeness is taken of. */
void agreement_begin(struct agreement *agreement, const struct half_pair *pair,
		     const struct population *population);
void agreement_end(struct agreement *agreement);

/* Of query number query, with count neighbours (UINT32_MAX ends them). */
struct agreement_sums agreement_of(const struct agreement *agreement,
				   size_t query, const uint32_t *neighbours,
				   size_t count);

#endif
