/* contributions: what each tag contributes to a similarity.
 *
 * With q, x two rows of the embedding, a_q, a_x their rows of the (centred)
 * matrix, V the components, and D = I, S^-1/2, S^-1 for the scale us, sqrt, u,
 * the embedding of a row is a V D, so that tag j contributes
 *     c_j = 1/2 (a_qj V_j D.x + a_xj V_j D.q) / (|q| |x|)
 * and the sum over all tags is the cosine (for the metric dot, without the
 * lengths, the product).  What centring takes from every tag is one part more,
 * for all tags together.  Where a similarity is blended, A of the cosine and
 * 1 - A of that of the profiles, a tag that both have contributes
 *     A c_j + (1 - A) p_qj p_xj / (|p_q| |p_x|)
 * with p the rows as they are, not centred.  All of it is in double, added up
 * in one order. */
#ifndef EXPLAIN_CONTRIBUTIONS_H
#define EXPLAIN_CONTRIBUTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "search/exact_search.h"

/* Stands for the part of the centring. */
#define REASONS_CENTER ((size_t)-1)

struct contribution {
	size_t tag; /* its index, or REASONS_CENTER */
	double amount;
};

struct contributions {
	const struct model *model;
	enum metric metric;
	double share;   /* A: 1 where nothing is blended; set by the caller */
	double *spread; /* k: the diagonal of D */
	double *center; /* k: the sum over the tags of V_j, times their
			   mean with column centring; NULL without */
};

/* A row of the matrix. */
struct row {
	const int32_t *tags; /* count, ascending */
	const float *values; /* count */
	size_t count;
	double length; /* the root of the sum of squares */
};

/* View a row; NULL or a error_text that names it: it is damaged. */
const char *contributions_row(const struct csr_matrix *matrix, size_t row,
			      struct row *taken);

/* The cosine of two rows, in double; 0 where one is all zeros. */
double contributions_cosine(const struct row *a, const struct row *b);

/* One of the two customers. */
struct side {
	struct row row;
	double *spread; /* k: D times its embedding */
	double length;  /* of its embedding; 1 for the metric dot */
	double shift;   /* how much of reasons.center its row lost */
};

void contributions_begin(struct contributions *reasons,
			 const struct model *model, enum metric metric);
void contributions_end(struct contributions *reasons);

/* Room for a side; any number of rows may be set in it, one after another. */
void side_begin(struct side *side, const struct contributions *reasons);
void side_end(struct side *side);

/* Make the side that of a row, whose embedding is finite and not zero, of the
 * model or of another with the same columns and components; NULL or a
 * error_text that names the row. */
const char *side_set(struct side *side, const struct contributions *reasons,
		     const struct model *model, size_t row);

/* Set parts, with room for the tags of both and one more, to the part of the
 * centring, where there is one, and those of the tags that either has,
 * ascending; *count becomes how many.  NULL or a error_text: a part is not
 * finite. */
const char *contributions_parts(const struct contributions *reasons,
				const struct side *query,
				const struct side *other,
				struct contribution *parts, size_t *count);

/* Move the limit parts of largest magnitude to the front, largest first, equal
 * ones by the bytes of the tag; returns how many there are.  What is behind
 * them is lost. */
size_t contributions_largest(struct contribution *parts, size_t count,
			     size_t limit);

#endif
