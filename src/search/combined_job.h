/* combined_job: a search of search/combined_search.h in progress, and the exact
 * score of a row, which both ways to the results share: by the inverted index
 * (search/combined_indexed.h), and row by row (search/combined_direct.h). */
#ifndef SEARCH_COMBINED_JOB_H
#define SEARCH_COMBINED_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/combined_candidates.h"
#include "search/combined_score.h"
#include "search/combined_options.h"
#include "search/search_query.h"
#include "search/topk.h"

/* The memory of one thread. */
struct combined_worker {
	struct candidates candidates;
	double *dense_query; /* m: the query's values, zeros between uses */
	uint32_t *scored;    /* rows of the query with an exact score */
	size_t scored_room;
};

struct combined_workspace {
	struct combined_worker *workers; /* count */
	unsigned count;
	atomic_flag taken; /* by a search */
};

struct deferred_query;

struct combined_job {
	struct combined_options search;     /* with nothing left to choose */
	const struct search_query *queries; /* count, borrowed */
	size_t count;
	struct search_result *results; /* count */
	size_t ranges;     /* that the rows are cut into; 1 with an index */
	struct topk *tops; /* count x ranges: the k best */
	size_t *eligible;  /* ranges: rows with weight that may be results */
	size_t *zeros;     /* ranges: rows without weight */
	struct deferred_query *deferred; /* room for count;
					    search/combined_deferred.h */
	_Atomic size_t deferred_count;
	_Atomic size_t first_bad_row; /* refused; ROW_NONE: none is */
	bool owns_workspace; /* the workspace is of this search alone */
};

/* A query while a thread searches for it. */
struct active_query {
	const struct search_query *query;
	struct score_side side;
	struct topk *top;    /* its results so far */
	size_t scored_count; /* of worker.scored */
};

/* True if the row may be a result of the query by the search's options. */
bool combined_may_be_result(const struct combined_options *search,
			    const struct search_query *query, size_t row);

/* The score that no result of a query is below. */
double combined_min_score(const struct combined_job *job, size_t query);

/* A row as one side of a score. */
struct score_side combined_row_side(const struct combined_options *search,
				    const struct search_query *row);

/* A row with what its score takes. */
struct scored_row {
	struct search_query row;
	double square; /* |a|^2, above 0 */
	/* With the query; zeros for the similarity of rows. */
	struct embedding_products embedding;
};

/* Push the row with its score to the query's top-k list; worker->dense_query
 * holds the query.  O(tags of the row). */
void combined_push_score(const struct combined_options *search,
			 struct active_query *active,
			 const struct combined_worker *worker, size_t row,
			 const struct scored_row *scored);

/* Compute the exact score of a row, and push it to the query's top-k list; a
 * row without weight is not pushed.  worker->dense_query holds the query.
 * O(tags of the row + d). */
void combined_score_row(const struct combined_options *search,
			struct active_query *active,
			const struct combined_worker *worker, size_t row);

/* Write the query's values times factor into worker->dense_query: 1 sets it,
 * 0 clears it. */
void combined_scatter_query(struct combined_worker *worker,
			    const struct search_query *query, double factor);

#endif
