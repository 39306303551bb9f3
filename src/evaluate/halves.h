/* halves: the customers of two halves of one log: half A, which a model was
 * made of, and half B, which is held out.
 *
 * The population is the customers who stand in both files with a row that is
 * not zero; customer i of it is one number in everything that follows.  Other
 * models are compared on the same population, so figures are paired. */
#ifndef EVALUATE_HALVES_H
#define EVALUATE_HALVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* No such row: the customer is not in the file, or has a row of zeros. */
#define HALVES_NO_ROW UINT32_MAX

/* Two files of one model: its own, of half A, and half B. */
struct half_pair {
	struct model model; /* of half A */
	struct model held;  /* half B: a matrix, or a model, whose embedding is
			       not used */
	bool same_columns;  /* half B was folded into the model: its columns are
			       those of half A.  Else it has columns of its own
			       and similarities across halves do not exist */
	uint32_t *row_a;    /* n: the row of each of the population, or
			       HALVES_NO_ROW */
	uint32_t *row_b;
	double *inverse_a; /* n: 1 / length of the row, 0 without one */
	double *inverse_b;
	bool borrowed; /* another pair closes the files */
};

/* The population, and the customers who are asked about. */
struct population {
	size_t n;
	size_t only_a, only_b; /* customers of one file alone, or zero there */
	unsigned char *tenth;  /* n: of activity in half A: the model's */
	size_t tenth_size[10];
	double repeated;   /* share of half B's pairs of customer and tag that
			      half A has too; 0 without the same columns */
	uint32_t *queries; /* query_count, ascending */
	size_t query_count;
};

/* Open both files and look at every byte.  NULL or an error text, which names
 * the file.  A half B that was folded into another model is refused. */
const char *half_pair_open(struct half_pair *pair, const char *model,
			   const char *held, unsigned threads);

/* Open two models, each once, and look at every byte: pairs to compare them, of
 * old with new as its half B, and the other way round, without a similarity
 * across.  NULL or an error text, which names the file. */
const char *half_pair_open_models(struct half_pair *old, struct half_pair *new,
				  const char *old_path, const char *new_path,
				  unsigned threads);

void half_pair_close(struct half_pair *pair);

/* The population of a pair, whose rows are set, and at most limit customers of
 * it as queries: those of the smallest keyed hash.  NULL or an error text where
 * fewer than two are in both. */
const char *population_find(struct population *population,
			    struct half_pair *pair, size_t limit,
			    uint64_t seed);

/* Find the rows of another pair for the population of the first. */
void population_match(const struct population *population,
		      const struct half_pair *first, struct half_pair *pair);

void population_free(struct population *population);

#endif
