/* weighting: profiles to the values that similarity is computed from. */
#ifndef MODEL_WEIGHTING_H
#define MODEL_WEIGHTING_H

#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"

/* VALUE_AUTO is a choice still to be made (model/matrix_builder.h): no matrix
 * has it, and weighting_value must not be asked for it. */
enum value { VALUE_MEAN, VALUE_SUM, VALUE_EVENTS, VALUE_ONE, VALUE_AUTO };
enum damp { DAMP_NONE, DAMP_LOG, DAMP_SQRT };
enum weight { WEIGHT_NONE, WEIGHT_IDF, WEIGHT_SQRT_IDF, WEIGHT_SMOOTH };
enum norm { NORM_NONE, NORM_L2 };

/* The words of each, in order, NULL-terminated. */
extern const char *const value_words[],
	*const damp_words[], *const weight_words[], *const norm_words[];

/* What --value takes of a customer and a tag, in the events' own unit. */
double weighting_value(enum value value, uint64_t events, decimal sum);

/* sign(x) log(1 + |x|) or sign(x) sqrt(|x|), or x. */
double weighting_damp(enum damp damp, double x);

/* The column's weight: ln(n / users), its root, or sqrt(ln(1 + n / users)),
 * which is above 0 for a column that everyone has; 0 for one that no one has.
 * Inverse document frequency (Sparck Jones, J. Documentation 28, 1972). */
double weighting_column(enum weight weight, size_t n, size_t users);

/* Divide the values of a row by its norm, where it has one. */
void weighting_normalize(enum norm norm, double *values, size_t count);

#endif
