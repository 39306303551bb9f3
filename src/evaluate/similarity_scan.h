/* similarity_scan: exact similarities of some queries to the whole population
 * (evaluate/halves.h), by a plain scan in double precision.
 *
 * With a the row of a customer scaled to length 1, x its embedding scaled by
 * the same factor, cut to the first k dimensions, and |x| its length:
 *   profile    a_q . a_y
 *   embedding  x_q . x_y / (|x_q| |x_y|)
 *   combined   K(q, y) / sqrt(K(q, q) K(y, y)), with K(q, y) =
 *              alpha x_q . x_y / sqrt(|x_q| |x_y|) + a_q . a_y - x_q . x_y
 *   activity   -|ln t_q - ln t_y|, t the number of tags
 *   popularity the mean of a_y . a_z over all z: the same for every query
 * 0 stands where a length is 0.  Scores are rounded to multiples of 2^-30, so
 * that ties do not hang on the order of additions.
 *
 * Time: queries x (pairs + population x dimensions); memory beyond the files:
 * some arrays of the population, and for each thread 16 dense queries. */
#ifndef EVALUATE_SIMILARITY_SCAN_H
#define EVALUATE_SIMILARITY_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "evaluate/halves.h"
#include "linalg/projection.h"

enum scan_metric {
	SCAN_ACTIVITY,
	SCAN_POPULARITY,
	SCAN_PROFILE,
	SCAN_EMBEDDING,
	SCAN_COMBINED
};

/* A similarity. */
struct scan_method {
	enum scan_metric metric;
	double alpha; /* of SCAN_COMBINED */
	size_t k;     /* dimensions used, of the embedding */
};

enum { SCAN_QUERIES = 16, SCAN_TILE = 128, SCAN_CUTS = 8, SCAN_NEAREST = 10 };

/* What is made once for a pair of halves. */
struct similarity_scan {
	const struct half_pair *pair;
	const struct population *population;
	unsigned threads;
	size_t cuts[SCAN_CUTS]; /* the numbers of dimensions, ascending */
	size_t cut_count;
	double *lengths;           /* cut_count x n: |x| in half A */
	double *popularity;        /* n */
	double *log_a, *log_b;     /* n: ln of the number of tags */
	const unsigned char *keep; /* m, or NULL: columns that count; others
				      are taken out of every row */
	double *inverse_a;         /* n: 1 / length of what is kept */
	double *inverse_b;
	struct projection embed; /* folds rows of half B in */
};

/* methods: whose numbers of dimensions are wanted; at most SCAN_CUTS different
 * ones.  keep as above; with it only SCAN_PROFILE is right. */
void similarity_scan_begin(struct similarity_scan *scan,
			   const struct half_pair *pair,
			   const struct population *population,
			   const struct scan_method *methods, size_t count,
			   const unsigned char *keep, unsigned threads);
void similarity_scan_end(struct similarity_scan *scan);

/* Rank of the query's own row of half A among the population for its row of
 * half B: 1 + those more similar + half of the others equally similar; and the
 * same among those of its tenth.  Each count x query_count doubles, by method.
 */
void similarity_scan_ranks(const struct similarity_scan *scan,
			   const struct scan_method *methods, size_t count,
			   double *ranks, double *matched);

/* The SCAN_NEAREST most similar other customers in half A, of a query's row of
 * half A, by falling similarity, ties by number: count x query_count x
 * SCAN_NEAREST; UINT32_MAX where the population has fewer. */
void similarity_scan_nearest(const struct similarity_scan *scan,
			     const struct scan_method *methods, size_t count,
			     uint32_t *nearest);

#endif
