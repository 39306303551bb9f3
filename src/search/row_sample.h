/* row_sample: a sample of the rows of an embedding, as unit vectors. */
#ifndef SEARCH_ROW_SAMPLE_H
#define SEARCH_ROW_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct row_sample {
	size_t n, d;
	float *rows;     /* n x d unit vectors; owned */
	uint32_t *which; /* n: the row that each is of; owned */
};

/* Draw at most limit of the rows (n x d, finite) that are not zero vectors:
 * one at random from each of as many equal strata, in ascending order; all
 * where there are no more.  The draw depends on the seed alone. */
void row_sample_draw(struct row_sample *sample, const float *rows, size_t n,
		     size_t d, size_t limit, uint64_t seed);

void row_sample_free(struct row_sample *sample);

#endif
