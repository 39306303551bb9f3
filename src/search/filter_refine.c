#include "search/filter_refine.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "search/topk.h"

enum {
	/* With more candidates in a tile, exact scores of all its pairs are
	 * faster; the limit is lower where rows have to be gathered from a
	 * packed block, at a cache line for each column. */
	MAX_PAIRS = 48,
	MAX_PAIRS_TRANSPOSED = 6,
	/* The largest number of blocks that are scored without the filter after
	 * it has failed. */
	MAX_BACK_OFF = 16,
	PANEL_BYTES = 512 * 1024,
	RUN_BYTES = 1 << 20,
	/* Limits of the number of groups in a panel. */
	MIN_GROUPS = 16,
	MAX_GROUPS = 640
};

/* ------------------------------------------------------------------ panels */

size_t filter_panel_size(const struct score_kernels *filter)
{
	size_t item = filter->bounds ? 1 : sizeof(float);
	size_t groups = PANEL_BYTES / (filter->d * item) / TILE_QUERIES;

	if (groups > MAX_GROUPS)
		groups = MAX_GROUPS;
	return (groups < MIN_GROUPS ? MIN_GROUPS : groups) * TILE_QUERIES;
}

size_t filter_run_length(const struct score_kernels *filter)
{
	size_t blocks = RUN_BYTES / (filter->d * TILE_ROWS * sizeof(float));

	if (blocks > FILTER_RUN_BLOCKS)
		return FILTER_RUN_BLOCKS;
	return blocks < 1 ? 1 : blocks;
}

void panel_begin(struct panel *panel, const struct score_kernels *filter,
		 size_t count)
{
	size_t d = filter->d;
	size_t groups = (count + TILE_QUERIES - 1) / TILE_QUERIES;

	*panel = (struct panel){.filter = filter, .group_count = groups};
	panel->groups = alloc(groups, sizeof *panel->groups);
	panel->packed = alloc_aligned(alloc_product(groups * TILE_QUERIES, d),
				      sizeof(float));
	panel->thresholds = alloc(groups * TILE_QUERIES, sizeof(float));
	for (size_t g = 0; g < groups; g++) {
		panel->groups[g].packed = panel->packed + g * TILE_QUERIES * d;
		if (filter->bounds != NULL)
			int8_query_group_begin(&panel->groups[g].int8_queries,
					       d);
	}
	for (size_t i = 0; i < groups * TILE_QUERIES; i++)
		panel_set_query(panel, i, (struct panel_query){NULL, NULL});
}

void panel_set_query(struct panel *panel, size_t i, struct panel_query query)
{
	struct query_group *group = &panel->groups[i / TILE_QUERIES];

	group->queries[i % TILE_QUERIES] = query;
	group->is_packed = false;
	if (panel->filter->bounds != NULL)
		int8_query_group_set(&group->int8_queries, i % TILE_QUERIES,
				     query.int8);
	panel->thresholds[i] = INFINITY;
	/* Lists are empty at first, so the filter would drop nothing. */
	group->back_off = 0;
	group->skip = 1;
}

void panel_end(struct panel *panel)
{
	for (size_t g = 0; g < panel->group_count; g++)
		int8_query_group_end(&panel->groups[g].int8_queries);
	free(panel->groups);
	free(panel->packed);
	free(panel->thresholds);
	free(panel->run_scores);
	for (size_t b = 0; b < FILTER_RUN_BLOCKS; b++)
		free(panel->transposed[b]);
	*panel = (struct panel){0};
}

/* The queries of a group, packed by dot_pack_query. */
static const float *packed_queries(struct query_group *group, size_t d)
{
	for (size_t i = 0; i < TILE_QUERIES && !group->is_packed; i++)
		dot_pack_query(group->packed, i, group->queries[i].vector, d);
	group->is_packed = true;
	return group->packed;
}

/* ------------------------------------------------------------------ blocks */

static void set_run(struct panel *panel, const struct block_run *run)
{
	for (size_t b = 0; b < run->count; b++) {
		panel->blocks[b] = run->blocks[b];
		panel->transposed_rows[b] = 0;
	}
}

static float *transposed_block(struct panel *panel, size_t b)
{
	if (panel->transposed[b] == NULL)
		panel->transposed[b] = alloc_aligned(
			alloc_product(TILE_ROWS, panel->filter->d),
			sizeof(float));
	return panel->transposed[b];
}

/* A row of the current run as a vector, gathered from the packed block where
 * the block has no vectors. */
static const float *vector_at(struct panel *panel, size_t row)
{
	size_t d = panel->filter->d, b = row / TILE_ROWS, r = row % TILE_ROWS;

	if (panel->blocks[b].vectors != NULL)
		return panel->blocks[b].vectors + r * d;
	float *vector = transposed_block(panel, b) + r * d;
	if ((panel->transposed_rows[b] >> r & 1) == 0) {
		panel->transposed_rows[b] |= (uint64_t)1 << r;
		for (size_t j = 0; j < d; j++)
			vector[j] = panel->blocks[b].packed[j * TILE_ROWS + r];
	}
	return vector;
}

/* A block of the current run, packed by dot_pack_rows. */
static const float *packed_units(struct panel *panel, size_t b)
{
	size_t d = panel->filter->d;

	if (panel->blocks[b].packed == NULL) {
		float *transposed = transposed_block(panel, b);

		dot_pack_rows(transposed, panel->blocks[b].vectors, d);
		panel->blocks[b].packed = transposed;
	}
	return panel->blocks[b].packed;
}

/* ----------------------------------------------------------------- raising */

enum { RUN_ROWS = FILTER_RUN_BLOCKS * TILE_ROWS };

/* True if the run has at least 2 k rows that may be results: fewer give a bound
 * too low to be of use. */
static bool has_enough_rows(const struct block_run *run)
{
	size_t present = 0;

	for (size_t b = 0; b < run->count && run->rows != NULL; b++)
		present += (size_t)__builtin_popcountll(run->rows[b]);
	return run->rows != NULL && present / 2 >= run->k;
}

static float *score_buffer(struct panel *panel)
{
	if (panel->run_scores == NULL)
		panel->run_scores =
			alloc_aligned(TILE_QUERIES * RUN_ROWS, sizeof(float));
	return panel->run_scores;
}

/* Raise the threshold of query i of a group: k rows have at least this score,
 * so a result has it too. */
static void raise_threshold(struct panel *panel, size_t g, size_t i,
			    float threshold)
{
	float *current = &panel->thresholds[g * TILE_QUERIES + i];

	/* Cosines above 1 count as 1. */
	threshold =
		score_below(METRIC_EMBEDDING, threshold < 1 ? threshold : 1);
	*current = threshold > *current ? threshold : *current;
}

/* Raise the thresholds of a group by int8 lower bounds. */
static void raise_group(struct panel *panel, size_t g,
			const struct block_run *run)
{
	struct query_group *group = &panel->groups[g];
	float *lower = score_buffer(panel);

	for (size_t b = 0; b < run->count; b++)
		panel->filter->bounds->lower_bounds(
			&group->int8_queries, run->blocks[b].codes,
			run->blocks[b].scales, run->blocks[b].residuals,
			run->rows[b], lower + b * TILE_ROWS, RUN_ROWS);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		if (group->queries[i].vector == NULL)
			continue;
		float bound = kth_lower_bound(lower + i * RUN_ROWS,
					      run->count * TILE_ROWS, run->k);

		if (bound > -INFINITY)
			raise_threshold(
				panel, g, i,
				int8_query_group_unscale(&group->int8_queries,
							 i, bound));
	}
	group->skip = 0;
}

void panel_raise_thresholds(struct panel *panel, size_t group_count,
			    const struct block_run *run)
{
	if (panel->filter->bounds == NULL || !has_enough_rows(run))
		return;
	for (size_t g = 0; g < group_count; g++)
		raise_group(panel, g, run);
}

/* ----------------------------------------------------------------- scoring */

/* The arguments of panel_score. */
struct scoring {
	struct panel *panel;
	const struct block_run *run;
	const float *row_thresholds;
	void (*push)(void *shared, size_t query, size_t row, float score);
	void *shared;
};

/* A score of the pair must be above this to be pushed. */
static float pair_threshold(const struct scoring *scoring, size_t query,
			    size_t row)
{
	float threshold = scoring->panel->thresholds[query];

	if (scoring->row_thresholds != NULL &&
	    scoring->row_thresholds[row] < threshold)
		return scoring->row_thresholds[row];
	return threshold;
}

/* Make a pair the k-th operand of the kernels. */
static void set_pair(struct panel *panel, size_t k, struct candidate_pair pair)
{
	panel->pairs[k] = pair;
	panel->pair_queries[k] = panel->groups[pair.query / TILE_QUERIES]
					 .queries[pair.query % TILE_QUERIES]
					 .vector;
	panel->pair_rows[k] = vector_at(panel, pair.row);
}

/* Push those of the collected candidate pairs that are above their thresholds.
 */
static void refine_pairs(const struct scoring *scoring)
{
	struct panel *panel = scoring->panel;
	const struct dot_kernel *kernel = panel->filter->kernel;
	size_t d = panel->filter->d, count = 0;
	float margin = (float)dot_error_bound(d);

	for (size_t p = 0; p < panel->pair_count; p++)
		set_pair(panel, p, panel->pairs[p]);
	kernel->approximate_pairs(panel->pair_queries, panel->pair_rows,
				  panel->pair_count, d, panel->scores);
	for (size_t p = 0; p < panel->pair_count; p++) {
		struct candidate_pair pair = panel->pairs[p];

		if (panel->scores[p] >=
		    pair_threshold(scoring, pair.query, pair.row) - margin)
			set_pair(panel, count++, pair);
	}
	kernel->exact_pairs(panel->pair_queries, panel->pair_rows, count, d,
			    panel->scores);
	for (size_t p = 0; p < count; p++) {
		struct candidate_pair pair = panel->pairs[p];

		if (panel->scores[p] >
		    pair_threshold(scoring, pair.query, pair.row))
			scoring->push(scoring->shared, pair.query, pair.row,
				      panel->scores[p]);
	}
	panel->pair_count = 0;
}

/* Push the scores of a query and a block that are above their thresholds. */
static void push_scores(const struct scoring *scoring, size_t query, size_t row,
			const float *scores, uint64_t above)
{
	for (; above != 0; above &= above - 1) {
		size_t r = (size_t)__builtin_ctzll(above);

		if (scores[r] > pair_threshold(scoring, query, row + r))
			scoring->push(scoring->shared, query, row + r,
				      scores[r]);
	}
}

/* Compute the exact scores of all pairs of a group and a block. */
static void score_block(const struct scoring *scoring, size_t g, size_t b)
{
	struct panel *panel = scoring->panel;
	size_t query = g * TILE_QUERIES;
	_Alignas(64) float scores[TILE_QUERIES * TILE_ROWS];
	uint64_t above[TILE_QUERIES];

	/* Candidates of earlier blocks are pushed first: rows ascend. */
	if (scoring->run->count > 1)
		refine_pairs(scoring);
	panel->filter->kernel->score_tile(
		packed_queries(&panel->groups[g], panel->filter->d),
		packed_units(panel, b), panel->filter->d,
		panel->thresholds + query, scoring->row_thresholds, scores,
		above);
	for (size_t i = 0; i < TILE_QUERIES; i++)
		push_scores(scoring, query + i, b * TILE_ROWS,
			    scores + i * TILE_ROWS, above[i]);
}

/* Compute the exact scores of all pairs of a group and the run, and raise the
 * thresholds by them before pushing. */
static void score_run(const struct scoring *scoring, size_t g)
{
	struct panel *panel = scoring->panel;
	struct query_group *group = &panel->groups[g];
	float *run_scores = score_buffer(panel);
	size_t count = scoring->run->count;

	for (size_t b = 0; b < count; b++)
		dot_score_tile(panel->filter->kernel,
			       packed_queries(group, panel->filter->d),
			       packed_units(panel, b), panel->filter->d,
			       scoring->run->rows[b],
			       run_scores + b * TILE_ROWS, RUN_ROWS);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		const float *scores = run_scores + i * RUN_ROWS;
		size_t query = g * TILE_QUERIES + i;

		if (group->queries[i].vector == NULL)
			continue;
		raise_threshold(panel, g, i,
				kth_lower_bound(scores, count * TILE_ROWS,
						scoring->run->k));
		for (size_t b = 0; b < count; b++, scores += TILE_ROWS)
			push_scores(
				scoring, query, b * TILE_ROWS, scores,
				mask_above(scores, panel->thresholds[query]));
	}
}

/* Add the candidates of a group and a block to the pairs. Returns false if they
 * are too many; then none is added. */
static bool keep_candidates(const struct scoring *scoring, size_t g, size_t b,
			    const uint64_t candidates[TILE_QUERIES])
{
	struct panel *panel = scoring->panel;

	if (panel->pair_count > FILTER_PAIRS - MAX_PAIRS)
		refine_pairs(scoring);
	size_t count = panel->pair_count;
	size_t limit =
		count +
		(panel->blocks[b].vectors ? MAX_PAIRS : MAX_PAIRS_TRANSPOSED);
	for (size_t i = 0; i < TILE_QUERIES; i++)
		for (uint64_t rest = candidates[i]; rest != 0;
		     rest &= rest - 1) {
			if (count == limit)
				return false;
			panel->pairs[count++] = (struct candidate_pair){
				(uint32_t)(g * TILE_QUERIES + i),
				(uint32_t)(b * TILE_ROWS +
					   (size_t)__builtin_ctzll(rest))};
		}
	panel->pair_count = count;
	return true;
}

/* Filter a group and a block. Returns false if all pairs are to get exact
 * scores. */
static bool filter_block(const struct scoring *scoring, size_t g, size_t b)
{
	const struct panel *panel = scoring->panel;
	const struct row_block *block = &panel->blocks[b];
	struct query_group *group = &panel->groups[g];
	uint64_t candidates[TILE_QUERIES], any = 0;

	if (panel->filter->bounds == NULL)
		return false;
	if (group->skip > 0) {
		group->skip--;
		return false;
	}
	panel->filter->bounds->mask_group(&group->int8_queries, block->codes,
					  block->scales, block->residuals,
					  panel->thresholds + g * TILE_QUERIES,
					  scoring->row_thresholds, candidates);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		if (group->queries[i].vector == NULL)
			candidates[i] = 0;
		any |= candidates[i];
	}
	if (any == 0 || keep_candidates(scoring, g, b, candidates)) {
		group->back_off = 0;
		return true;
	}
	group->back_off = group->back_off < MAX_BACK_OFF
				  ? 2 * group->back_off + 1
				  : MAX_BACK_OFF;
	group->skip = group->back_off;
	return false;
}

/* Score a group against the run, block by block. Returns how many blocks the
 * filter did not reduce. */
static size_t score_group(const struct scoring *scoring, size_t g)
{
	size_t scored = 0;

	for (size_t b = 0; b < scoring->run->count; b++)
		if (!filter_block(scoring, g, b)) {
			score_block(scoring, g, b);
			scored++;
		}
	return scored;
}

void panel_score(struct panel *panel, size_t group_count,
		 const struct block_run *run,
		 const float row_thresholds[TILE_ROWS],
		 void (*push)(void *shared, size_t query, size_t row,
			      float score),
		 void *shared)
{
	const struct scoring scoring = {panel, run, row_thresholds, push,
					shared};
	bool enough_rows = has_enough_rows(run),
	     dense = panel->filter->bounds == NULL;

	set_run(panel, run);
	for (size_t g = 0; g < group_count; g++) {
		if (enough_rows && dense) {
			score_run(&scoring, g);
			continue;
		}
		if (enough_rows)
			raise_group(panel, g, run);
		/* If the filter fails for one group, it usually fails for the
		 * next. */
		dense = score_group(&scoring, g) * 2 > run->count;
	}
	refine_pairs(&scoring);
}
