/* combined_score: the similarity of two customers by their rows, and by their
 * rows and their embeddings together.
 *
 * Let a be a customer's row, x = a V its embedding in k dimensions (U*S, not
 * centred), both divided by |a|, and g = |x|, so that g^2 is the share of the
 * row that the dimensions hold.  With
 *     K(q, y) = alpha (x_q.x_y) / (|x_q| |x_y|)^(1/4) + (a_q.a_y - x_q.x_y)
 * the combined similarity is s = K(q, y) / sqrt(K(q, q) K(y, y)).  The second
 * bracket is the inner product of what the dimensions leave out, so K is the
 * inner product of [sqrt(alpha) x / |x|^(1/4); a - x V'], and s a cosine.  With
 *     p = a_q.a_y,  c = cosine of x_q and x_y,  u = sqrt(g_q g_y),
 *     h(u) = alpha u^(3/2) - u^2,  N(g) = 1 + h(g)
 * it is s = (p + c h(u)) / sqrt(N(g_q) N(g_y)).  Where g^2 is below
 * COMBINED_MIN_SHARE, x is rounding and what the tolerance of the
 * factorization leaves, and is taken as 0; then c is 0.  Where
 * N is below COMBINED_MIN_NORM (alpha near 0, and the dimensions hold the
 * whole row) nothing is left to compare, and s is 0.
 *
 * The similarity of rows ("profile") is p.
 *
 * A score has the same bits on every path: a_q.a_y is the sum over tags in
 * ascending order; x_q.x_y and |x|^2 are eight sums, of columns j mod 8, added
 * as s[l] + s[l+4], then l + 2, then l + 1; |a|^2 as a_q.a_y.  All is double,
 * in which products of floats are exact, up to the last step, which rounds s
 * to float.  Equal rows have the similarity 1 exactly: sqrt(s * s) is s. */
#ifndef SEARCH_COMBINED_SCORE_H
#define SEARCH_COMBINED_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMBINED_MIN_NORM  0x1p-20
#define COMBINED_MIN_SHARE 1e-6

struct similarity {
	bool profile; /* the cosine of rows; alpha is not used */
	double alpha; /* 0 to 1 */
};

/* What a score depends on of one of its two rows, besides their products. */
struct score_side {
	double square;   /* |a|^2, of the row as stored; above 0 */
	double x_square; /* |x|^2, of the embedding as stored */
	double g;        /* |x| / |a|, at most 1 */
	double norm;     /* N(g); 1 for the similarity of rows */
};

/* h(u), u from 0 to 1. */
double combined_weight(double alpha, double u);

struct score_side score_side_make(const struct similarity *similarity,
				  double square, double x_square);

/* s of two sides and the products of their rows and embeddings as stored: dot
 * is a_q.a_y, x_dot x_q.x_y.  In [-1, 1], and never -0. */
float combined_score(const struct similarity *similarity,
		     const struct score_side *q, const struct score_side *y,
		     double dot, double x_dot);

/* s = row * a_q.a_y + embedding * x_q.x_y: how much each product counts, in the
 * units of the rows as stored.  For reasons, which decompose s over tags. */
struct score_factors {
	double row, embedding;
};
struct score_factors combined_factors(const struct similarity *similarity,
				      const struct score_side *q,
				      const struct score_side *y);

/* What a side contributes to s where its row has length 1 (square is 1), so
 * that s = (a_q.a_y + x_q.x_y (root_q root_y - held_q held_y)) inverse_q
 * inverse_y within rounding: for scans of many pairs, without a root or a
 * division for each. */
struct score_terms {
	double root;    /* sqrt(alpha) / g^(1/4); 0 where x is taken as 0 */
	double held;    /* how much of x_q.x_y is taken off a_q.a_y: 1, or 0
			   where x is taken as 0 */
	double inverse; /* 1 / sqrt(N); 0 where N is too small */
};
struct score_terms combined_terms(const struct similarity *similarity,
				  const struct score_side *side);

/* The sum of squares of a row's values, in ascending order of tags. */
double row_square(const float *values, size_t count);

/* a_q.a_y, dense the query's values over all m tags, zeros elsewhere. */
double row_dot(const double *dense, const int32_t *tags, const float *values,
	       size_t count);

/* x_q.x_y over d columns. */
double embedding_dot(const float *a, const float *b, size_t d);

/* Both x_q.x_y and |x_y|^2, the same bits in one pass over y. */
struct embedding_products {
	double dot, square;
};
struct embedding_products embedding_products(const float *q, const float *y,
					     size_t d);

#endif
