/* similarity_quantiles: how similar two customers are at random: the scale on
 * which a similarity is read.  Cosines of all pairs of up to SAMPLE customers,
 * of all or evenly spaced by row; customers without signal are left out. */
#ifndef LINALG_SIMILARITY_QUANTILES_H
#define LINALG_SIMILARITY_QUANTILES_H

#include <stddef.h>

enum { SIMILARITY_SAMPLE = 2500 };

struct similarity_quantiles {
	size_t n, k;  /* customers, columns */
	size_t count; /* of the sample */
	size_t taken;
	float *rows; /* count x k */
};

void similarity_quantiles_begin(struct similarity_quantiles *pairs, size_t n,
				size_t k);

/* Take from rows first .. first + count of the embedding (count x k) what the
 * sample wants; rows come in order. */
void similarity_quantiles_add(struct similarity_quantiles *pairs, size_t first,
			      size_t count, const float *rows);

/* Set values[i] to the similarity below which shares[i] of the pairs lie; 0
 * where there is no pair. */
void similarity_quantiles_end(struct similarity_quantiles *pairs,
			      unsigned threads, const double *shares,
			      size_t count, double *values);

#endif
