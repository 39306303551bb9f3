#include "search/sharded_search.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "search/exact_search.h"
#include "search/ivf_search.h"
#include "search/row_search.h"

const char *sharded_search_need_index(const struct sharded_model *shards)
{
	bool wanted = shards->recall > 0 || shards->probes > 0;

	for (size_t s = 0; wanted && s < shards->count; s++)
		if (shards->indexes[s].cells == 0)
			return error_text("%s: it has no index: cs-index adds "
					  "one",
					  shards->models[s].input.name);
	return NULL;
}

const char *const *sharded_search_unread(const struct sharded_model *shards,
					 enum metric metric, bool few)
{
	static const char *const none[] = {NULL};
	bool by_index = metric == METRIC_EMBEDDING && few;

	for (size_t s = 0; s < shards->count; s++)
		by_index = by_index && shards->indexes[s].cells > 0;
	return by_index ? ivf_index_unread(shards->recall > 0 ||
					   shards->probes > 0)
			: none;
}

/* The number of cells to scan, the same in each file; 0: search exactly. */
static size_t cells_to_scan(const struct sharded_model *shards)
{
	size_t most = shards->probes;

	for (size_t s = 0; shards->recall > 0 && s < shards->count; s++) {
		size_t own =
			ivf_index_probes(&shards->indexes[s], shards->recall);

		most = own > most ? own : most;
	}
	return most;
}

/* Search one file: by its index where the caller chose that, or where that is
 * faster. */
static const char *search_file(const struct sharded_model *shards, size_t shard,
			       const struct search_options *search,
			       const size_t *counts, struct search_batch *batch)
{
	const struct ivf_index *index = &shards->indexes[shard];
	size_t probes = cells_to_scan(shards);

	if (metric_compares_rows(search->metric))
		return row_search_run(&shards->models[shard],
				      shards->rows_by_tag
					      ? &shards->rows_by_tag[shard]
					      : NULL,
				      shards->workspace, search, batch);
	if (probes > 0 ||
	    (index->cells > 0 && batch->count <= IVF_INDEX_FEW_QUERIES &&
	     search->metric == METRIC_EMBEDDING))
		return ivf_search_run(index, search, probes, counts, batch);
	return exact_search_run(search, batch);
}

/* True if the indexes of all files have the same centroids. */
static bool same_cells(const struct sharded_model *shards)
{
	const struct ivf_index *first = &shards->indexes[0];
	bool same = true;

	for (size_t s = 1; same && s < shards->count; s++) {
		const struct ivf_index *index = &shards->indexes[s];

		same = index->cells == first->cells &&
		       memcmp(index->centroids, first->centroids,
			      first->cells * first->d *
				      sizeof *first->centroids) == 0;
	}
	return same;
}

/* The allowed bits of a file's rows. */
static uint64_t *shard_bits(const struct sharded_model *shards, size_t shard,
			    const uint64_t *bits)
{
	size_t n = shards->models[shard].matrix.n;
	uint64_t *own = bitset_new(n);

	for (size_t i = 0; i < n; i++)
		if (bitset_test(bits, shards->rows[shard][i]))
			bitset_set(own, i);
	return own;
}

/* The queries with their own rows numbered as in a file. */
static struct search_query *shard_queries(const struct sharded_model *shards,
					  size_t shard,
					  const struct search_batch *batch)
{
	struct search_query *own = alloc(batch->count, sizeof *own);

	for (size_t q = 0; q < batch->count; q++) {
		size_t self = batch->queries[q].self;

		own[q] = batch->queries[q];
		if (self == ROW_NONE)
			continue;
		own[q].self = shards->places[self].shard == shard
				      ? shards->places[self].row
				      : ROW_NONE;
	}
	return own;
}

/* Merge the results of another file, whose rows are renumbered, into results.
 */
static void join(struct search_result *results,
		 const struct search_result *other, const uint32_t *rows,
		 size_t limit)
{
	size_t room = results->count + other->count, a = 0, b = 0, count = 0;
	struct hit *hits = alloc(room < limit ? room : limit, sizeof *hits);

	while (count < limit && count < room) {
		struct hit next = {0, 0};

		if (b < other->count)
			next = (struct hit){other->hits[b].score,
					    rows[other->hits[b].row]};
		if (b == other->count ||
		    (a < results->count && hit_before(results->hits[a], next)))
			next = results->hits[a++];
		else
			b++;
		hits[count++] = next;
	}
	free(results->hits);
	results->hits = hits;
	results->count = count;
	results->candidates += other->candidates;
	results->matching += other->matching;
	results->zero = other->zero;
}

/* The search of one file, and its allowed bits. */
struct shard_search {
	struct search_options search;
	uint64_t *bits;
};

static void shard_search_begin(struct shard_search *part,
			       const struct sharded_model *shards, size_t shard,
			       const struct search_options *search)
{
	const struct model *model = &shards->models[shard];

	part->bits = search->allowed
			     ? shard_bits(shards, shard, search->allowed)
			     : NULL;
	part->search = *search;
	part->search.rows = model->embedding;
	part->search.n = model->matrix.n;
	part->search.allowed = part->bits;
}

/* The number of allowed rows in each cell, over all files, so that every file
 * scans the cells that one file would; NULL where centroids differ or no cells
 * are scanned. */
static size_t *count_allowed(const struct sharded_model *shards,
			     const struct shard_search *searches)
{
	size_t *counts;

	if (cells_to_scan(shards) == 0 || !same_cells(shards))
		return NULL;
	counts = alloc(shards->indexes[0].cells, sizeof *counts);
	for (size_t s = 0; s < shards->count; s++)
		ivf_index_count(&shards->indexes[s], searches[s].bits, counts);
	return counts;
}

/* The k-th score of each query so far, which results of further files must
 * reach; -INFINITY where there are fewer than k. */
static float *find_thresholds(const struct search_batch *batch, size_t limit)
{
	float *thresholds = alloc(batch->count, sizeof *thresholds);

	for (size_t q = 0; q < batch->count; q++) {
		const struct search_result *result = &batch->results[q];

		thresholds[q] = limit > 0 && result->count == limit
					? result->hits[limit - 1].score
					: -INFINITY;
	}
	return thresholds;
}

/* Add the results of a file. */
static const char *search_shard(const struct sharded_model *shards,
				size_t shard, const struct shard_search *part,
				const size_t *counts,
				struct search_batch *batch)
{
	size_t count = batch->count;
	struct search_query *queries = shard_queries(shards, shard, batch);
	struct search_result *results = alloc(count, sizeof *results);
	struct search_batch own = {queries, count, results, 0};
	float *thresholds = find_thresholds(batch, part->search.limit);
	struct search_options search = part->search;
	const char *error;

	search.thresholds = thresholds;
	error = search_file(shards, shard, &search, counts, &own);
	if (error != NULL) {
		error = error_text("%s: %s", shards->models[shard].input.name,
				   error);
	} else {
		for (size_t q = 0; q < count; q++)
			join(&batch->results[q], &results[q],
			     shards->rows[shard], part->search.limit);
		batch->zeros += own.zeros;
		search_results_free(results, count);
	}
	free(results);
	free(queries);
	free(thresholds);
	return error;
}

static const char *search_shards(const struct sharded_model *shards,
				 const struct search_options *search,
				 struct search_batch *batch)
{
	struct shard_search *searches = alloc(shards->count, sizeof *searches);
	const char *error = NULL;
	size_t *counts;

	for (size_t s = 0; s < shards->count; s++)
		shard_search_begin(&searches[s], shards, s, search);
	counts = count_allowed(shards, searches);
	memset(batch->results, 0, batch->count * sizeof *batch->results);
	batch->zeros = 0;
	for (size_t s = 0; s < shards->count && error == NULL; s++)
		error = search_shard(shards, s, &searches[s], counts, batch);
	for (size_t s = 0; s < shards->count; s++)
		free(searches[s].bits);
	free(searches);
	free(counts);
	if (error != NULL)
		search_results_free(batch->results, batch->count);
	return error;
}

const char *sharded_search_run(const struct sharded_model *shards,
			       const struct search_options *search,
			       struct search_batch *batch)
{
	struct search_options whole = *search;

	if (shards->count > 1)
		return search_shards(shards, search, batch);
	whole.rows = shards->whole.embedding;
	whole.n = shards->whole.matrix.n;
	return search_file(shards, 0, &whole, NULL, batch);
}
