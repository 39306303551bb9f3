/* contributions: what each tag contributes to the similarity of two customers.
 *
 * With q, x two rows of the embedding, a_q, a_x their rows of the (centred)
 * matrix, V the components, and D = I, S^-1/2, S^-1 for the scale us, sqrt, u,
 * the embedding of a row is a V D, so that tag j contributes
 *     c_j = 1/2 (a_qj V_j D.x + a_xj V_j D.q) / (|q| |x|)
 * and the sum over all tags is the cosine (for the metric dot, without the
 * lengths, the product).  What centring takes from every tag is one
 * contribution more, for all tags together.
 *
 * The similarity of rows and the combined one are F a_q.a_x + E q.x for factors
 * of the pair (combined_factors of search/combined_score.h), so tag j
 * contributes
 *     F a_qj a_xj + E/2 (a_qj V_j.x + a_xj V_j.q)
 * and the sum over all tags is the similarity.  All of it is in double, added
 * up in one order.
 *
 * explain/top_contributions.h finds the few largest, by name, for one query
 * after another. */
#ifndef EXPLAIN_CONTRIBUTIONS_H
#define EXPLAIN_CONTRIBUTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "search/combined_score.h"
#include "search/search_query.h"

/* In place of a tag's index: the contribution of the centring. */
#define CONTRIBUTIONS_CENTER ((size_t)-1)

/* What a tag contributes to a similarity. */
struct contribution {
	size_t tag; /* its column in the model, or CONTRIBUTIONS_CENTER */
	double amount;
};

/* What all similarities of a model have in common; read by any thread. */
struct contributions {
	const struct model *model;
	enum metric metric;
	double alpha;     /* of METRIC_COMBINED */
	double *diagonal; /* k: that of D */
	double *center;   /* k: the sum over the tags of V_j, times their mean
			     with column centring; NULL without centring */
};

/* model must outlive the context.  O(m k) with centring. */
void contributions_begin(struct contributions *context,
			 const struct model *model, enum metric metric,
			 double alpha);
void contributions_end(struct contributions *context);

/* A row of a matrix, viewed. */
struct sparse_row {
	const int32_t *tags; /* count, ascending */
	const float *values; /* count */
	size_t count;
	double square; /* the sum of squares */
};

/* View a row.  NULL, or an error text that names it: it is damaged. */
const char *contributions_view_row(const struct csr_matrix *matrix, size_t row,
				   struct sparse_row *view);

/* One of the two customers of a similarity. */
struct contribution_side {
	struct sparse_row row;
	double *scaled; /* k: D times its embedding */
	double *own;    /* V_j.scaled of its own tags, where prepared */
	size_t own_room;
	bool prepared;
	double length; /* of its embedding; 1 but for the metric embedding */
	double shift;  /* how many times context.center its row lost */
	struct score_side score; /* where the metric compares rows */
};

/* Allocate a side; any number of rows may be set in it, one after another. */
void contribution_side_begin(struct contribution_side *side,
			     const struct contributions *context);
void contribution_side_end(struct contribution_side *side);

/* Set the side to a row, whose embedding is finite, and not zero unless
 * the metric compares rows, of the context's model or of another with the same
 * columns and components, which must stay open.  NULL, or an error text that
 * names the row. */
const char *contribution_side_set(struct contribution_side *side,
				  const struct contributions *context,
				  const struct model *model, size_t row);

/* Work out what contributions_compute takes of a side that is the query of many
 * others, once for all of them.  O(its tags x k). */
void contribution_side_prepare(struct contribution_side *side,
			       const struct contributions *context);

/* Set parts, which has room for the tags of both sides and one more, to the
 * contribution of the centring, where there is one, and those of the tags that
 * either has, ascending; *count becomes how many.  O(tags of both x k).  NULL,
 * or an error text: a contribution is not finite. */
const char *contributions_compute(const struct contributions *context,
				  const struct contribution_side *query,
				  const struct contribution_side *other,
				  struct contribution *parts, size_t *count);

/* Move the limit contributions of largest magnitude to the front, largest
 * first, equal ones by the bytes of the tag; returns how many there are.  What
 * is behind them is lost.  O(count x limit). */
size_t contributions_largest(struct contribution *parts, size_t count,
			     size_t limit);

#endif
