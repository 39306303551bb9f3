/* adjusted_rand: the agreement of two partitions of the same customers, beyond
 * chance (Hubert and Arabie, Journal of Classification 2, 1985): 1 where they
 * are the same, 0 on average where one is drawn at random with its sizes. */
#ifndef EVALUATE_ADJUSTED_RAND_H
#define EVALUATE_ADJUSTED_RAND_H

#include <stddef.h>
#include <stdint.h>

/* In pieces, so that some customers can be left out: customer i is of piece i
 * mod ADJUSTED_RAND_PIECES. */
enum { ADJUSTED_RAND_PIECES = 20 };

/* Of partitions a (values below a_groups) and b (below b_groups) of n
 * customers: returns the index of all, and sets without[p] (unless NULL) to
 * that of all but piece p.  0 where one partition is one group. */
double adjusted_rand(const uint32_t *a, size_t a_groups, const uint32_t *b,
		     size_t b_groups, size_t n, double *without);

#endif
