/* combined_quantiles: how similar two customers at random are by the metrics
 * that compare rows: the scale on which such a similarity is read.
 *
 * Of up to COMBINED_SAMPLE customers with weight, evenly spaced by row, each is
 * paired with up to COMBINED_PAIRS of those after it, so that no pair comes
 * twice and the same model has the same pairs. */
#ifndef SEARCH_COMBINED_QUANTILES_H
#define SEARCH_COMBINED_QUANTILES_H

#include <stddef.h>

#include "search/combined_score.h"
#include "search/sharded_model.h"

enum { COMBINED_SAMPLE = 2500, COMBINED_PAIRS = 40 };

/* Set values[i] to the similarity below which shares[i] of the pairs lie; 0
 * where there is no pair.  Damaged rows are left out. */
void combined_quantiles(const struct sharded_model *shards,
			const struct similarity *similarity,
			const double *shares, size_t count, double *values);

#endif
