/* captured: the share of a customer's row that the dimensions of a model hold.
 *
 * Let b be the row of the matrix as it was decomposed (centred where the model
 * says so), and x = b V its embedding in units of U S, whatever the scale that
 * the model's embedding is stored in.  The captured share is |x|^2 / |b|^2, in
 * [0, 1]: the squared cosine of the angle between the row and the space that
 * the dimensions span.  It is 0 for a row without weight. */
#ifndef MODEL_CAPTURED_H
#define MODEL_CAPTURED_H

#include <stddef.h>

#include "base/number.h"
#include "model/model.h"

/* Below this share the dimensions say next to nothing of a customer. */
#define CAPTURED_LOW 0.01

/* Set shares[0..count) to those of rows first, first + 1, ... of the model's
 * matrix, whose embeddings are x (count x k, scaled as the model says): found
 * in double precision, rounded to float; NAN where a row is damaged.  Of the
 * model matrix, k, sigma, mean, scale, center and shift are used.  O(count k +
 * entries of the rows), and O(m) once where columns are centred. */
void captured_shares(const struct model *model, size_t first, size_t count,
		     const float *x, float *shares);

/* How the shares of a model's customers with weight are distributed. */
struct captured_distribution {
	size_t customers; /* with weight; 0: the rest is 0 */
	size_t low;       /* of these, with less than CAPTURED_LOW */
	double tenth, median, ninetieth; /* percentiles 10, 50, 90: the value
					    at place (count - 1) * p */
};

/* Of a model of one file, from the tensor "captured", or worked out where the
 * model was made before there was one.  NULL or an error text: a row is
 * damaged. */
const char *
captured_distribution_find(struct captured_distribution *distribution,
			   const struct model *model);

/* A share as a percentage for people, two digits: "8.5", "100", "less than
 * 0.01". */
void captured_percent(char text[NUMBER_TEXT], double share);

/* NULL, or an error text: an item of the tensor "captured" is not the share
 * that the row and its embedding have.  Models without it are right. */
const char *captured_check(const struct model *model);

#endif
