#include "explain/rerank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/contributions.h"
#include "base/thread_pool.h"

struct work {
	const struct rerank *blend;
	const struct search_query *queries;
	struct search_result *found;
	char **errors; /* of each query: an error text, or NULL */
};

static int compare_hits(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return hit_before(*x, *y) ? -1 : hit_before(*y, *x);
}

/* A checked row. */
static const char *take_row(const struct rerank *blend,
			    const struct model *model, size_t row,
			    struct sparse_row *taken)
{
	model = sharded_model_resolve(blend->shards, model, &row);
	return contributions_view_row(&model->matrix, row, taken);
}

/* Keep the best of what has the least similarity. */
static void keep(const struct rerank *blend, struct search_result *found)
{
	size_t kept = 0;

	for (size_t i = 0; i < found->count; i++)
		if ((double)found->hits[i].score >= blend->least)
			found->hits[kept++] = found->hits[i];
	if (kept > 1)
		qsort(found->hits, kept, sizeof *found->hits, compare_hits);
	found->matching = kept;
	found->count = kept < blend->limit ? kept : blend->limit;
}

static const char *rank(const struct rerank *blend,
			const struct search_query *query,
			struct search_result *found)
{
	struct sparse_row own, other;
	const char *error = take_row(blend, blend->asked, query->asked, &own);

	for (size_t i = 0; i < found->count && error == NULL; i++) {
		struct hit *hit = &found->hits[i];

		if (hit->row == query->self)
			continue;
		error = take_row(blend, &blend->shards->whole, hit->row,
				 &other);
		if (error != NULL)
			break;
		double score =
			blend->share * (double)hit->score +
			(1 - blend->share) * contributions_cosine(&own, &other);
		hit->score = (float)fmax(-1, fmin(1, score)) + 0.0f;
	}
	if (error == NULL)
		keep(blend, found);
	return error;
}

static void coarse_quantizer_piece(void *shared, size_t piece, unsigned thread)
{
	struct work *work = shared;
	const char *error =
		rank(work->blend, &work->queries[piece], &work->found[piece]);

	(void)thread;
	if (error != NULL)
		work->errors[piece] = alloc_text(error, strlen(error));
}

const char *rerank(const struct rerank *blend,
		   const struct search_query *queries,
		   struct search_result *found, size_t count)
{
	struct work work = {blend, queries, found,
			    alloc(count, sizeof(char *))};
	const char *error = NULL;

	thread_pool_run(blend->threads, count, coarse_quantizer_piece, &work);
	for (size_t q = count; q-- > 0;)
		if (work.errors[q] != NULL) {
			error = error_text("%s", work.errors[q]);
			free(work.errors[q]);
		}
	free(work.errors);
	return error;
}
