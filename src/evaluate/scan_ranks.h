/* scan_ranks: ranks of customers' own rows, and their nearest others, by the
 * similarities of a scan; blocks of queries are shared out to threads. */
#ifndef EVALUATE_SCAN_RANKS_H
#define EVALUATE_SCAN_RANKS_H

#include "evaluate/similarity_scan.h"

enum { SCAN_NEAREST = 10 };

/* Rank of the query's own row of half A among the population for its row of
 * half B: 1 + those more similar + half of the others equally similar; and the
 * same among those of its tenth.  Each count x query_count doubles, by method.
 */
void scan_ranks(const struct similarity_scan *scan,
		const struct scan_method *methods, size_t count, double *ranks,
		double *matched);

/* The SCAN_NEAREST most similar other customers in half A, of a query's row of
 * half A, by falling similarity, ties by number: count x query_count x
 * SCAN_NEAREST; UINT32_MAX where the population, or a positive method, has
 * fewer. */
void scan_nearest(const struct similarity_scan *scan,
		  const struct scan_method *methods, size_t count,
		  uint32_t *nearest);

#endif
