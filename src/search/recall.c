#include "search/recall.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/kmeans.h"
#include "search/exact_search.h"
#include "base/random.h"

/* Neighbours searched for, so that ties with the tenth are seen. */
enum { TIED = 64 };

struct sample {
	size_t count;
	struct search_query queries[RECALL_SAMPLE];
	struct search_result nearest[RECALL_SAMPLE], cells[RECALL_SAMPLE];
};

static void draw_sample(struct sample *sample,
			const struct partitioned_search *search, uint64_t seed)
{
	size_t n = search->n;

	sample->count = n < RECALL_SAMPLE ? n : RECALL_SAMPLE;
	for (size_t i = 0; i < sample->count; i++) {
		double place = (double)i + random_uniform(seed + 1, i);
		size_t row =
			(size_t)(place * ((double)n / (double)sample->count));

		row = row < n ? row : n - 1;
		sample->queries[i] = (struct search_query){
			.vector = search->rows + row * search->d,
			.self = row,
			.row = row};
	}
}

static const char *search_sample(struct sample *sample,
				 const struct partitioned_search *search,
				 unsigned threads)
{
	struct search_options exact = {
		.rows = search->rows,
		.n = search->n,
		.d = search->d,
		.metric = METRIC_EMBEDDING,
		.limit = TIED,
		.min_score = -INFINITY,
		.threads = threads,
		.quiet = true,
	};
	struct search_batch batch = {sample->queries, sample->count,
				     sample->nearest, 0};
	const char *error = exact_search_run(&exact, &batch);

	if (error != NULL)
		return error;
	for (size_t i = 0; i < sample->count; i++)
		sample->queries[i].self = ROW_NONE;
	exact.rows = search->centroids;
	exact.n = exact.limit = search->count;
	batch.results = sample->cells;
	error = exact_search_run(&exact, &batch);
	if (error != NULL)
		search_results_free(sample->nearest, sample->count);
	return error;
}

/* Add the recall of one query; ranks (count) and found_at (2 count) are
 * scratch. */
static void add_query(const struct partitioned_search *search,
		      const struct search_result *nearest,
		      const struct search_result *cells, size_t *ranks,
		      size_t *found_at, double *recall)
{
	size_t ten = nearest->count < RECALL_AT ? nearest->count : RECALL_AT;
	float tenth = nearest->hits[ten - 1].score;
	size_t by_row = 0, by_score = 0;

	for (size_t p = 0; p < cells->count; p++)
		ranks[cells->hits[p].row] = p;
	memset(found_at, 0, 2 * search->count * sizeof *found_at);
	for (size_t i = 0; i < nearest->count; i++) {
		size_t p = ranks[search->cells[nearest->hits[i].row]];

		found_at[2 * p] += i < ten;
		found_at[2 * p + 1] += nearest->hits[i].score >= tenth;
	}
	for (size_t p = 0; p < search->count; p++) {
		by_row += found_at[2 * p];
		by_score += found_at[2 * p + 1];
		recall[2 * p] += (double)by_row / (double)ten;
		recall[2 * p + 1] +=
			by_score < ten ? (double)by_score / (double)ten : 1;
	}
}

static void add_queries(const struct sample *sample,
			const struct partitioned_search *search, double *recall)
{
	size_t *ranks = alloc(search->count, sizeof *ranks), measured = 0;
	size_t *found_at = alloc(2 * search->count, sizeof *found_at);

	memset(recall, 0, 2 * search->count * sizeof *recall);
	for (size_t i = 0; i < sample->count; i++) {
		if (sample->nearest[i].count == 0)
			continue;
		measured++;
		add_query(search, &sample->nearest[i], &sample->cells[i], ranks,
			  found_at, recall);
	}
	for (size_t i = 0; i < 2 * search->count; i++)
		recall[i] = measured ? recall[i] / (double)measured : 1;
	free(ranks);
	free(found_at);
}

const char *recall_measure(const struct partitioned_search *search,
			   uint64_t seed, unsigned threads, double *recall)
{
	struct sample *sample = alloc(1, sizeof *sample);

	draw_sample(sample, search, seed);
	const char *error = search_sample(sample, search, threads);
	if (error == NULL) {
		add_queries(sample, search, recall);
		search_results_free(sample->nearest, sample->count);
		search_results_free(sample->cells, sample->count);
	}
	free(sample);
	return error;
}
