/* tuning: of many recipes and similarities, which to use.
 *
 * Row 0 of the evaluation is the default.  A row is acceptable where it is not
 * significantly worse than the default in the matched mean reciprocal rank
 * (where ranks mean something) and in the agreement under both controls.  Of
 * those the best is the one with the largest geometric mean of these figures;
 * it is recommended where it is significantly better in one of them. */
#ifndef EVALUATE_TUNING_H
#define EVALUATE_TUNING_H

#include <stdbool.h>

#include "base/io.h"
#include "evaluate/evaluation.h"

enum { TUNING_FIGURES = 3 };

/* A row against the default. */
struct tuning_row {
	size_t row;
	struct interval change[TUNING_FIGURES]; /* relative, of the agreements;
						   of MRR the difference */
	double score; /* geometric mean of the figures over the default's */
	bool worse, better; /* significantly, in one of them */
};

struct tuning {
	const struct evaluation *evaluation;
	struct tuning_row *rows; /* count, by falling score */
	size_t count;
	size_t best; /* of rows: what is recommended; the default's place where
			nothing is better */
};

/* The rows of a tuning for pairs[0..count): the default first, then for each
 * pair the cosine of rows, and for 16, 32, ... 256 dimensions, as far as the
 * model has them, the embedding and the combined similarity with four alphas.
 * free() them. */
struct evaluated *tuning_make_rows(const struct half_pair *pairs, size_t count,
				   size_t *rows);

void tuning_choose(struct tuning *tuning, const struct evaluation *evaluation);
void tuning_free(struct tuning *tuning);

/* The table, and the recommendation. */
void tuning_write(struct output *output, const struct tuning *tuning);

/* The recommendation as lines for make: matrix-tuned, svd-tuned, knn-tuned. */
void tuning_write_recipe(struct output *output, const struct tuning *tuning);

#endif
