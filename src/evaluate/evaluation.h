/* evaluation: the figures of several similarities on one pair of halves, each
 * with its interval, and paired differences. */
#ifndef EVALUATE_EVALUATION_H
#define EVALUATE_EVALUATION_H

#include <stddef.h>
#include <stdint.h>

#include "evaluate/agreement.h"
#include "evaluate/bootstrap.h"
#include "evaluate/halves.h"
#include "evaluate/scan_ranks.h"

/* A figure of the table. */
enum figure {
	FIGURE_MRR,      /* mean of 1 / rank of the own row */
	FIGURE_ACCURACY, /* share with rank 1: ties halve it out */
	FIGURE_RECALL,   /* share with rank <= 10 */
	FIGURE_MEDIAN,   /* median rank */
	FIGURE_MATCHED_MRR,
	FIGURE_MATCHED_ACCURACY,
	FIGURE_MATCHED_RECALL,
	FIGURE_MATCHED_MEDIAN,
	FIGURE_BY_TENTH, /* agreement, by the neighbour's tenth */
	FIGURE_BY_BOTH,  /* agreement, by both sides */
	FIGURES
};

/* Names of the figures for programs: "mrr", "accuracy_1" and so on. */
extern const char *const figure_names[FIGURES];

/* A similarity of a pair of halves, and what was found of it. */
struct evaluated {
	char name[64]; /* for people and programs */
	const struct half_pair *pair;
	struct scan_method method;
	float *hub; /* owned: what method.hub views, or NULL */
	struct interval figures[FIGURES];
	double hubness;   /* skewness of how often each is among the nearest */
	size_t most_near; /* how often the most frequent one is */
};

struct evaluation {
	const struct population *population;
	bool ranked; /* halves have the same columns and pairs repeat: figures
			of ranks mean something */
	bool close;  /* customers of half B are alike on average, the mean
			closeness is above 0: agreements mean something */
	struct evaluated *rows;
	size_t count;
	double *values; /* count x columns x query_count, for the bootstrap */
	double *ranks;  /* count x 2 x query_count: all, matched */
	uint32_t *nearest; /* count x query_count x SCAN_NEAREST */
	struct bootstrap bootstrap;
};

/* Share of half B's pairs below which ranks are void. */
extern const double evaluation_repeated_least;

/* Whether a figure means something on these halves. */
bool evaluation_has(const struct evaluation *evaluation, enum figure figure);

/* Work rows[0..count) out: pair and method are set, rows of one pair stand
 * together.  Closeness is taken of held's half B. */
void evaluation_run(struct evaluation *evaluation,
		    const struct population *population,
		    const struct half_pair *held, size_t rounds, uint64_t seed,
		    unsigned threads);
void evaluation_free(struct evaluation *evaluation);

/* Figure of row a less that of row b; of agreements the relative change, at
 * most 1000, which stands where row b has none. */
struct interval evaluation_difference(const struct evaluation *evaluation,
				      size_t a, size_t b, enum figure figure);

/* What a random order has: exact. */
double evaluation_chance(const struct population *population,
			 enum figure figure);

#endif
