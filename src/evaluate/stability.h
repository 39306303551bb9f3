/* stability: how many of their neighbours customers keep from one model to the
 * next. */
#ifndef EVALUATE_STABILITY_H
#define EVALUATE_STABILITY_H

#include "base/io.h"
#include "evaluate/halves.h"
#include "evaluate/scan_ranks.h"

enum { STABILITY_MOVED = 10 };

/* What became of the nearest of the customers asked about. */
struct stability {
	size_t kept[SCAN_NEAREST + 1];   /* customers who kept so many */
	size_t lost[SCAN_NEAREST + 1];   /* customers who lost so many */
	double mean;                     /* kept */
	double mean_old;                 /* had in the old model: SCAN_NEAREST,
					    but for who shares something with
					    fewer */
	uint32_t moved[STABILITY_MOVED]; /* of the population: who lost most,
					    ties by name; moved_count */
	unsigned moved_kept[STABILITY_MOVED], moved_lost[STABILITY_MOVED];
	size_t moved_count;
};

/* old: its half A is the old model and its half B the new one; new: the other
 * way round, with the rows of the same population.  Each with its method; no
 * customer counts as near at a similarity of 0 or below, as for cs-knn. */
void stability_find(struct stability *stability, const struct half_pair *old,
		    const struct half_pair *new,
		    const struct population *population,
		    const struct scan_method *old_method,
		    const struct scan_method *new_method, unsigned threads);

enum evaluation_format { FORMAT_TEXT, FORMAT_TSV, FORMAT_JSON };

void stability_write(struct output *output, const struct stability *stability,
		     const struct half_pair *old,
		     const struct population *population,
		     enum evaluation_format format);

#endif
