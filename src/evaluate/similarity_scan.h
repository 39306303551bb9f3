/* similarity_scan: exact similarities of some queries to the whole population
 * (evaluate/halves.h), by a plain scan in double precision.
 *
 * With a the row of a customer scaled to length 1, x its embedding scaled by
 * the same factor, cut to the first k dimensions, and |x| its length:
 *   profile    a_q . a_y
 *   embedding  x_q . x_y / (|x_q| |x_y|)
 *   combined   that of search/combined_score.h
 *   activity   -|ln t_q - ln t_y|, t the number of tags
 *   popularity the mean of a_y . a_z over all z: the same for every query
 * 0 stands where a length is 0.  Scores are rounded to multiples of 2^-30, so
 * that ties do not hang on the order of additions.
 *
 * Time: queries x (pairs + population x dimensions); memory beyond the files:
 * some arrays of the population, and for each thread 16 dense queries. */
#ifndef EVALUATE_SIMILARITY_SCAN_H
#define EVALUATE_SIMILARITY_SCAN_H

#include <stdbool.h>
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
	double alpha;     /* of SCAN_COMBINED */
	size_t k;         /* dimensions used, of the embedding */
	const float *hub; /* r of each row of the model (search/hub_scores.h),
			     or NULL: half of it is taken off, and who shares
			     nothing comes last */
	bool positive;    /* of the nearest, none at 0 or below */
};

enum { SCAN_QUERIES = 16, SCAN_TILE = 128, SCAN_CUTS = 8 };

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

/* The work of a thread: a block of queries, and a tile of customers. */
struct scan_worker {
	uint32_t query[SCAN_QUERIES]; /* indices of the population */
	size_t count;
	double *dense; /* m x SCAN_QUERIES: rows of the queries, of length 1 */
	double *x;     /* k x SCAN_QUERIES: their embeddings */
	double length[SCAN_CUTS][SCAN_QUERIES];
	double log_tags[SCAN_QUERIES];
	double *t;               /* a row's embedding, in the making */
	float *row;              /* the same, k */
	uint32_t ids[SCAN_TILE]; /* customers of the tile */
	double products[SCAN_TILE * SCAN_QUERIES];        /* a_q . a_y */
	double dots[SCAN_CUTS][SCAN_TILE * SCAN_QUERIES]; /* x_q . x_y */
	double scores[SCAN_TILE * SCAN_QUERIES];
};

struct scan_worker *scan_worker_begin(const struct similarity_scan *scan);
void scan_worker_end(struct scan_worker *worker);

/* Load queries first, first + 1, ... of the population, at most SCAN_QUERIES:
 * their rows of half A, or where held of half B, folded in.  Then
 * scan_worker_clear, with the same held, before the next are loaded. */
void scan_worker_load(struct scan_worker *worker,
		      const struct similarity_scan *scan, size_t first,
		      bool held);
void scan_worker_clear(struct scan_worker *worker,
		       const struct similarity_scan *scan, bool held);

/* Set products and dots of ids[0..rows), of half A, with the queries. */
void scan_worker_multiply(struct scan_worker *worker,
			  const struct similarity_scan *scan, size_t rows);

/* Set scores (rows x SCAN_QUERIES) by a method, from products and dots. */
void scan_worker_score(struct scan_worker *worker,
		       const struct similarity_scan *scan,
		       const struct scan_method *method, size_t rows);

#endif
