/* customer_segments: the customers of a model in segments, and the file of them
 * (explain/segments.h reads it).
 *
 * A customer belongs to the segment whose centre is nearest to the customer's
 * embedding (search/segmentation.h).  Of a weak customer the dimensions hold
 * less than CUSTOMER_SEGMENTS_WEAK of the row, so that the embedding's
 * direction says little: its row is compared with the mean row of each
 * segment's other customers instead.  Who has nothing in common with any is in
 * no segment. */
#ifndef EXPLAIN_CUSTOMER_SEGMENTS_H
#define EXPLAIN_CUSTOMER_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "explain/segments.h"
#include "model/model.h"

#define CUSTOMER_SEGMENTS_WEAK 0.1

struct customer_segments {
	size_t n, k;
	uint32_t *segment; /* n: index of a segment, or SEGMENTS_NONE; the
			      largest is 0 */
	float *similarity; /* n: to the centre; NAN in no segment */
	float *margin;     /* n: how much less similar the next is; NAN without
			      a next */
	size_t *sizes;     /* k, falling */
	size_t *numbers;   /* k: what each segment is called, from 1 */
	size_t weak;       /* customers compared by their rows */
	size_t unassigned;
};

/* Segment the customers: the best of runs runs.  k is lowered to the number of
 * customers with signal.  NULL, or an error text: a damaged row, or nobody has
 * signal; then there is nothing to free. */
const char *customer_segments_find(struct customer_segments *segments,
				   const struct model *model, size_t k,
				   size_t runs, uint64_t seed,
				   unsigned threads);

/* Number segments as in an older file, whose names are whole numbers from 1:
 * the pairs of segments are those with the most customers in both, in sum;
 * others get numbers that the older file does not have.  NULL or an error text.
 */
const char *customer_segments_like(struct customer_segments *segments,
				   const struct model *model,
				   const struct segments *old);

/* The table, customers in the order of the model. */
void customer_segments_write(struct output *output,
			     const struct customer_segments *segments,
			     const struct model *model, uint64_t seed);

void customer_segments_free(struct customer_segments *segments);

#endif
