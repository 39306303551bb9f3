/* similarity_quantiles: quantiles of the cosine of two random rows of an
 * embedding, which is the scale that a similarity is read on.
 *
 * The cosines of all pairs of a sample of at most SIMILARITY_SAMPLE rows, all
 * of them or evenly spaced, are counted in steps of 2^-16; zero vectors are
 * left out.  Quantiles are therefore multiples of 2^-16. */
#ifndef LINALG_SIMILARITY_QUANTILES_H
#define LINALG_SIMILARITY_QUANTILES_H

#include <stddef.h>

enum { SIMILARITY_SAMPLE = 2500 };

struct similarity_quantiles {
	size_t n, k;   /* shape of the embedding */
	size_t count;  /* rows of the sample */
	size_t copied; /* of these, so far */
	float *rows;   /* count x k */
};

/* Begin with an embedding of n rows and k columns. */
void similarity_quantiles_begin(struct similarity_quantiles *quantiles,
				size_t n, size_t k);

/* Copy those of the rows first to first + count - 1 that belong to the sample;
 * rows is count x k.  Call this for all n rows, in ascending order, but for
 * those before similarity_quantiles_skip()'s. */
void similarity_quantiles_add(struct similarity_quantiles *quantiles,
			      size_t first, size_t count, const float *rows);

/* Leave the rows before first zero where they were not added: another process
 * has them. */
void similarity_quantiles_skip(struct similarity_quantiles *quantiles,
			       size_t first);

/* Join the samples of all processes, in rank 0; collective. */
void similarity_quantiles_join(struct similarity_quantiles *quantiles);

/* Set values[i] to the cosine that a share of shares[i] (0 to 1) of the pairs
 * lies below, for i < count; to 0 where there is no pair.  Frees the sample.
 */
void similarity_quantiles_end(struct similarity_quantiles *quantiles,
			      unsigned threads, const double *shares,
			      size_t count, double *values);

#endif
