/* weighting: from the raw values of a profile to the values of the matrix. */
#ifndef MODEL_WEIGHTING_H
#define MODEL_WEIGHTING_H

#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"

/* VALUE_AUTO is a choice that model/profile_store makes: no matrix has it, and
 * weighting_value must not be called with it. */
enum value { VALUE_MEAN, VALUE_SUM, VALUE_EVENTS, VALUE_ONE, VALUE_AUTO };
enum damp { DAMP_NONE, DAMP_LOG, DAMP_SQRT };
enum weight { WEIGHT_NONE, WEIGHT_IDF, WEIGHT_SQRT_IDF, WEIGHT_SMOOTH };
enum norm { NORM_NONE, NORM_L2 };

/* The words of each, in order, NULL-terminated: the arguments of cs-matrix's
 * options and the values of the metadata. */
extern const char *const value_words[],
	*const damp_words[], *const weight_words[], *const norm_words[];

/* One entry of a sparse row. */
struct matrix_entry {
	int32_t column;
	double raw; /* in the events' own unit */
};

/* The raw value of a pair of customer and tag, in the events' own unit: the
 * mean of its events' values, their sum, the number of events, or 1. */
double weighting_value(enum value value, uint64_t events, decimal sum);

/* sign(x) log(1 + |x|), sign(x) sqrt(|x|), or x. */
double weighting_damp(enum damp damp, double x);

/* The weight of a column that users of n customers have: 1, ln(n / users), its
 * square root, or sqrt(ln(1 + n / users)), which is above 0 for a column that
 * all have; 0 if users is 0.  Inverse document frequency (Sparck Jones, J.
 * Documentation 28, 1972). */
double weighting_column(enum weight weight, size_t n, size_t users);

struct safetensors;

/* Set the three to what metadata of a matrix or a model name: matrix.value,
 * matrix.damp, matrix.norm.  NULL or an error text. */
const char *weighting_read(const struct safetensors *file, enum value *value,
			   enum damp *damp, enum norm *norm);

/* The damped raw value of an entry times the weight of its column. */
double weighting_entry(enum damp damp, const double *weight,
		       const struct matrix_entry *entry);

/* Set values[0..count) to the weighted entries of one row, divided by their
 * Euclidean norm if norm says so and it is not zero.  weight has an item for
 * each column of the matrix. */
void weighting_row(enum damp damp, enum norm norm, const double *weight,
		   const struct matrix_entry *entries, size_t count,
		   double *values);

/* Sort by column, ascending. */
void matrix_entry_sort(struct matrix_entry *entries, size_t count);

#endif
