/* held_out_tags: of the tags that a summary of half A lists, how many times the
 * expected number do the neighbours have in half B?
 *
 * A summary lists tags that the ten neighbours have more often than chance
 * explains (explain/enrichment.h); the same events chose the neighbours, so on
 * half A the figure is high by construction.  On half B it is measured: for
 * each listed tag and each neighbour it is counted whether the neighbour has
 * the tag there, and the share of the other customers of the neighbour's tenth
 * of activity who have it there is expected. */
#ifndef EVALUATE_HELD_OUT_TAGS_H
#define EVALUATE_HELD_OUT_TAGS_H

#include "evaluate/bootstrap.h"
#include "evaluate/halves.h"

struct held_out_tags {
	size_t queries; /* of whom a summary lists a tag */
	size_t listed;  /* tags, over all of them */
	struct interval times;
	struct interval hold; /* share of the listed tags that more neighbours
				 have in half B than are expected */
};

/* nearest: query_count x SCAN_NEAREST.  The pair has the same columns.  NULL,
 * or an error text: the model is damaged. */
const char *held_out_tags_measure(struct held_out_tags *tags,
				  const struct half_pair *pair,
				  const struct population *population,
				  const uint32_t *nearest, size_t rounds,
				  uint64_t seed, unsigned threads);

#endif
