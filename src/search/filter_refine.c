#include "search/filter_refine.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "search/topk.h"

enum {
	/* Where more pairs of a tile are left, all are scored at once; fewer
	 * where the rows have to be turned first, a line of the cache for each
	 * number. */
	FEW = 48,
	FEW_TURNED = 6,
	/* Blocks that a group goes without a sieve, at most. */
	PAUSE = 16,
	PANEL_BYTES = 512 * 1024,
	RUN_BYTES = 1 << 20,
	/* Bounds of a panel's groups. */
	LEAST_GROUPS = 16,
	MOST_GROUPS = 640
};

/* ------------------------------------------------------------------ panels */

size_t filter_panel_size(const struct filter_refine *sieve)
{
	size_t item = sieve->bounds ? 1 : sizeof(float);
	size_t groups = PANEL_BYTES / (sieve->d * item) / TILE_QUERIES;

	if (groups > MOST_GROUPS)
		groups = MOST_GROUPS;
	return (groups < LEAST_GROUPS ? LEAST_GROUPS : groups) * TILE_QUERIES;
}

size_t filter_run_length(const struct filter_refine *sieve)
{
	size_t blocks = RUN_BYTES / (sieve->d * TILE_ROWS * sizeof(float));

	if (blocks > FILTER_RUN_BLOCKS)
		return FILTER_RUN_BLOCKS;
	return blocks < 1 ? 1 : blocks;
}

void query_batch_begin(struct query_batch *askers,
		       const struct filter_refine *sieve, size_t count)
{
	*askers = (struct query_batch){.sieve = sieve, .count = count};
	askers->vectors =
		alloc_aligned(alloc_product(count, sieve->d), sizeof(float));
	askers->each = alloc(count, sizeof *askers->each);
	if (sieve->bounds == NULL)
		return;
	askers->probes = alloc(count, sizeof *askers->probes);
	askers->codes = alloc(count, int8_row_bytes(sieve->d));
	for (size_t i = 0; i < count; i++)
		int8_query_place(&askers->probes[i], sieve->d,
				 askers->codes + i * int8_row_bytes(sieve->d));
}

void query_batch_put(struct query_batch *askers, size_t i, const float *vector,
		     double factor)
{
	size_t d = askers->sieve->d;
	float *unit = askers->vectors + i * d;

	askers->each[i] = (struct panel_query){NULL, NULL};
	if (factor == 0)
		return;
	dot_scale(unit, vector, d, factor);
	askers->each[i].vector = unit;
	if (askers->probes != NULL) {
		int8_query_set(&askers->probes[i], unit, d);
		askers->each[i].probe = &askers->probes[i];
	}
}

void query_batch_end(struct query_batch *askers)
{
	free(askers->probes);
	free(askers->codes);
	free(askers->vectors);
	free(askers->each);
	*askers = (struct query_batch){0};
}

void panel_begin(struct panel *panel, const struct filter_refine *sieve,
		 size_t count)
{
	size_t d = sieve->d;
	size_t groups = (count + TILE_QUERIES - 1) / TILE_QUERIES;

	*panel = (struct panel){.sieve = sieve, .group_by_count = groups};
	panel->groups = alloc(groups, sizeof *panel->groups);
	panel->units = alloc_aligned(alloc_product(groups * TILE_QUERIES, d),
				     sizeof(float));
	panel->least = alloc(groups * TILE_QUERIES, sizeof(float));
	for (size_t g = 0; g < groups; g++) {
		panel->groups[g].units = panel->units + g * TILE_QUERIES * d;
		if (sieve->bounds != NULL)
			int8_query_group_begin(&panel->groups[g].probes, d);
	}
	for (size_t i = 0; i < groups * TILE_QUERIES; i++)
		panel_set_query(panel, i, (struct panel_query){NULL, NULL});
}

void panel_set_query(struct panel *panel, size_t i, struct panel_query asker)
{
	struct query_group *group = &panel->groups[i / TILE_QUERIES];

	group->askers[i % TILE_QUERIES] = asker;
	group->packed = false;
	if (panel->sieve->bounds != NULL)
		int8_query_group_set(&group->probes, i % TILE_QUERIES,
				     asker.probe);
	panel->least[i] = INFINITY;
	/* To begin with all rows are above a bar. */
	group->pause = 0;
	group->rest = 1;
}

void panel_end(struct panel *panel)
{
	for (size_t g = 0; g < panel->group_by_count; g++)
		int8_query_group_end(&panel->groups[g].probes);
	free(panel->groups);
	free(panel->units);
	free(panel->least);
	free(panel->products);
	for (size_t b = 0; b < FILTER_RUN_BLOCKS; b++)
		free(panel->turned[b]);
	*panel = (struct panel){0};
}

/* The queries of a group as search/dot_kernels.h has them. */
static const float *group_units(struct query_group *group, size_t d)
{
	for (size_t i = 0; i < TILE_QUERIES && !group->packed; i++)
		dot_pack_query(group->units, i, group->askers[i].vector, d);
	group->packed = true;
	return group->units;
}

/* ------------------------------------------------------------------ blocks */

void packed_block_begin(struct packed_block *packed,
			const struct filter_refine *sieve)
{
	size_t items = alloc_product(TILE_ROWS, sieve->d);

	*packed = (struct packed_block){.sieve = sieve};
	packed->vectors = alloc_aligned(items, sizeof(float));
	if (sieve->bounds != NULL) {
		packed->codes = alloc_aligned(int8_block_bytes(sieve->d), 1);
		packed->scales = alloc_aligned(TILE_ROWS, sizeof(float));
		packed->residuals = alloc_aligned(TILE_ROWS, sizeof(float));
	}
	packed->block = (struct row_block){
		.vectors = packed->vectors,
		.codes = packed->codes,
		.scales = packed->scales,
		.residuals = packed->residuals,
	};
}

/* Row r is vector times factor; for a factor of 0 it is above nothing. */
static void pack_row(struct packed_block *packed, size_t r, const float *vector,
		     double factor)
{
	const struct filter_refine *sieve = packed->sieve;
	float *unit = packed->vectors + r * sieve->d;

	for (size_t j = 0; j < sieve->d && factor == 0; j++)
		unit[j] = 0;
	if (factor != 0)
		dot_scale(unit, vector, sieve->d, factor);
	if (sieve->bounds != NULL)
		int8_quantize(unit, sieve->d, packed->codes, r,
			      &packed->scales[r], &packed->residuals[r]);
	if (factor != 0)
		return;
	/* Its bound is below any finite bar. */
	unit[0] = NAN;
	if (sieve->bounds != NULL)
		packed->residuals[r] = -INFINITY;
}

uint64_t packed_block_fill(struct packed_block *packed, const float *rows,
			   const double *factors, size_t first, size_t end)
{
	uint64_t there = 0;

	for (size_t r = 0; r < TILE_ROWS; r++) {
		size_t row = first + r;
		double factor = row < end ? factors[row] : 0;

		pack_row(packed, r,
			 factor != 0 ? rows + row * packed->sieve->d : NULL,
			 factor);
		there |= (uint64_t)(factor != 0) << r;
	}
	return there;
}

void packed_block_end(struct packed_block *packed)
{
	free(packed->vectors);
	free(packed->codes);
	free(packed->scales);
	free(packed->residuals);
	*packed = (struct packed_block){0};
}

static void take_run(struct panel *panel, const struct block_run *run)
{
	for (size_t b = 0; b < run->count; b++) {
		panel->run[b] = run->blocks[b];
		panel->turned_rows[b] = 0;
	}
}

static float *turned_at(struct panel *panel, size_t b)
{
	if (panel->turned[b] == NULL)
		panel->turned[b] =
			alloc_aligned(alloc_product(TILE_ROWS, panel->sieve->d),
				      sizeof(float));
	return panel->turned[b];
}

/* A vector of the run in hand, also where its block came without. */
static const float *vector_at(struct panel *panel, size_t row)
{
	size_t d = panel->sieve->d, b = row / TILE_ROWS, r = row % TILE_ROWS;

	if (panel->run[b].vectors != NULL)
		return panel->run[b].vectors + r * d;
	float *vector = turned_at(panel, b) + r * d;
	if ((panel->turned_rows[b] >> r & 1) == 0) {
		panel->turned_rows[b] |= (uint64_t)1 << r;
		for (size_t j = 0; j < d; j++)
			vector[j] = panel->run[b].units[j * TILE_ROWS + r];
	}
	return vector;
}

/* A block of the run in hand as search/dot_kernels.h has it. */
static const float *units_at(struct panel *panel, size_t b)
{
	size_t d = panel->sieve->d;

	if (panel->run[b].units == NULL) {
		float *turned = turned_at(panel, b);

		dot_pack_rows(turned, panel->run[b].vectors, d);
		panel->run[b].units = turned;
	}
	return panel->run[b].units;
}

/* ----------------------------------------------------------------- raising */

enum { RUN_ROWS = FILTER_RUN_BLOCKS * TILE_ROWS };

/* Can so many rows tell anything? */
static bool is_telling(const struct block_run *run)
{
	size_t there = 0;

	for (size_t b = 0; b < run->count && run->rows != NULL; b++)
		there += (size_t)__builtin_popcountll(run->rows[b]);
	return run->rows != NULL && there / 2 >= run->wanted;
}

static float *products_of(struct panel *panel)
{
	if (panel->products == NULL)
		panel->products =
			alloc_aligned(TILE_QUERIES * RUN_ROWS, sizeof(float));
	return panel->products;
}

/* The score that wanted rows of a run reach at least becomes the bar of query i
 * of a group: it needs that much, or more. */
static void raise_to(struct panel *panel, size_t g, size_t i, float bar)
{
	float *least = &panel->least[g * TILE_QUERIES + i];

	/* A cosine above 1 is 1. */
	bar = score_below(METRIC_COSINE, bar < 1 ? bar : 1);
	*least = bar > *least ? bar : *least;
}

/* By lower bounds. */
static void raise_group(struct panel *panel, size_t g,
			const struct block_run *run)
{
	struct query_group *group = &panel->groups[g];
	float *lower = products_of(panel);

	for (size_t b = 0; b < run->count; b++)
		panel->sieve->bounds->lower(
			&group->probes, run->blocks[b].codes,
			run->blocks[b].scales, run->blocks[b].residuals,
			run->rows[b], lower + b * TILE_ROWS, RUN_ROWS);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		if (group->askers[i].vector == NULL)
			continue;
		float reached =
			kth_lower_bound(lower + i * RUN_ROWS,
					run->count * TILE_ROWS, run->wanted);

		if (reached > -INFINITY)
			raise_to(panel, g, i,
				 int8_query_group_least(&group->probes, i,
							reached));
	}
	group->rest = 0;
}

void panel_raise_thresholds(struct panel *panel, size_t group_by_count,
			    const struct block_run *run)
{
	if (panel->sieve->bounds == NULL || !is_telling(run))
		return;
	for (size_t g = 0; g < group_by_count; g++)
		raise_group(panel, g, run);
}

/* ----------------------------------------------------------------- meeting */

/* A meeting of a panel and a run. */
struct meeting {
	struct panel *panel;
	const struct block_run *run;
	const float *rows_least;
	void (*offer)(void *shared, size_t query, size_t row, float score);
	void *shared;
};

/* The bar of a pair. */
static float bar_of(const struct meeting *meeting, size_t query, size_t row)
{
	float least = meeting->panel->least[query];

	if (meeting->rows_least != NULL && meeting->rows_least[row] < least)
		return meeting->rows_least[row];
	return least;
}

/* Lay out the operands of pair p as the kth. */
static void take_pair(struct panel *panel, size_t k, struct candidate_pair pair)
{
	panel->pairs[k] = pair;
	panel->pair_queries[k] = panel->groups[pair.query / TILE_QUERIES]
					 .askers[pair.query % TILE_QUERIES]
					 .vector;
	panel->pair_rows[k] = vector_at(panel, pair.row);
}

/* Offer those of the pairs in hand that are above their bars. */
static void settle_pairs(const struct meeting *meeting)
{
	struct panel *panel = meeting->panel;
	const struct dot_kernel *kernel = panel->sieve->kernel;
	size_t d = panel->sieve->d, count = 0;
	float margin = (float)dot_error_bound(d);

	for (size_t p = 0; p < panel->similarity_quantiles_count; p++)
		take_pair(panel, p, panel->pairs[p]);
	kernel->guess(panel->pair_queries, panel->pair_rows,
		      panel->similarity_quantiles_count, d, panel->scores);
	for (size_t p = 0; p < panel->similarity_quantiles_count; p++) {
		struct candidate_pair pair = panel->pairs[p];

		if (panel->scores[p] >=
		    bar_of(meeting, pair.query, pair.row) - margin)
			take_pair(panel, count++, pair);
	}
	kernel->chains(panel->pair_queries, panel->pair_rows, count, d,
		       panel->scores);
	for (size_t p = 0; p < count; p++) {
		struct candidate_pair pair = panel->pairs[p];

		if (panel->scores[p] > bar_of(meeting, pair.query, pair.row))
			meeting->offer(meeting->shared, pair.query, pair.row,
				       panel->scores[p]);
	}
	panel->similarity_quantiles_count = 0;
}

/* Offer the scores of a query and a block that are above their bars. */
static void offer_scores(const struct meeting *meeting, size_t query,
			 size_t row, const float *scores, uint64_t above)
{
	for (; above != 0; above &= above - 1) {
		size_t r = (size_t)__builtin_ctzll(above);

		if (scores[r] > bar_of(meeting, query, row + r))
			meeting->offer(meeting->shared, query, row + r,
				       scores[r]);
	}
}

/* Score all pairs of a group and a block. */
static void score_block(const struct meeting *meeting, size_t g, size_t b)
{
	struct panel *panel = meeting->panel;
	size_t query = g * TILE_QUERIES;
	_Alignas(64) float scores[TILE_QUERIES * TILE_ROWS];
	uint64_t above[TILE_QUERIES];

	/* Rows of a query that came before are offered before. */
	if (meeting->run->count > 1)
		settle_pairs(meeting);
	panel->sieve->kernel->tile(
		group_units(&panel->groups[g], panel->sieve->d),
		units_at(panel, b), panel->sieve->d, panel->least + query,
		meeting->rows_least, scores, above);
	for (size_t i = 0; i < TILE_QUERIES; i++)
		offer_scores(meeting, query + i, b * TILE_ROWS,
			     scores + i * TILE_ROWS, above[i]);
}

/* Score all pairs of a group and the run, and raise the bars by what is found
 * before any is offered. */
static void score_run(const struct meeting *meeting, size_t g)
{
	struct panel *panel = meeting->panel;
	struct query_group *group = &panel->groups[g];
	float *products = products_of(panel);
	size_t count = meeting->run->count;

	for (size_t b = 0; b < count; b++)
		dot_score_tile(panel->sieve->kernel,
			       group_units(group, panel->sieve->d),
			       units_at(panel, b), panel->sieve->d,
			       meeting->run->rows[b], products + b * TILE_ROWS,
			       RUN_ROWS);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		const float *scores = products + i * RUN_ROWS;
		size_t query = g * TILE_QUERIES + i;

		if (group->askers[i].vector == NULL)
			continue;
		raise_to(panel, g, i,
			 kth_lower_bound(scores, count * TILE_ROWS,
					 meeting->run->wanted));
		for (size_t b = 0; b < count; b++, scores += TILE_ROWS)
			offer_scores(meeting, query, b * TILE_ROWS, scores,
				     mask_above(scores, panel->least[query]));
	}
}

/* Keep the pairs that are left of a group and a block; false where they are not
 * few, and then none is kept. */
static bool keep_pairs(const struct meeting *meeting, size_t g, size_t b,
		       const uint64_t left[TILE_QUERIES])
{
	struct panel *panel = meeting->panel;

	if (panel->similarity_quantiles_count > FILTER_PAIRS - FEW)
		settle_pairs(meeting);
	size_t count = panel->similarity_quantiles_count;
	size_t most = count + (panel->run[b].vectors ? FEW : FEW_TURNED);
	for (size_t i = 0; i < TILE_QUERIES; i++)
		for (uint64_t rest = left[i]; rest != 0; rest &= rest - 1) {
			if (count == most)
				return false;
			panel->pairs[count++] = (struct candidate_pair){
				(uint32_t)(g * TILE_QUERIES + i),
				(uint32_t)(b * TILE_ROWS +
					   (size_t)__builtin_ctzll(rest))};
		}
	panel->similarity_quantiles_count = count;
	return true;
}

/* Sift a group and a block; false where all pairs are to be scored. */
static bool sift(const struct meeting *meeting, size_t g, size_t b)
{
	const struct panel *panel = meeting->panel;
	const struct row_block *block = &panel->run[b];
	struct query_group *group = &panel->groups[g];
	uint64_t left[TILE_QUERIES], any = 0;

	if (panel->sieve->bounds == NULL)
		return false;
	if (group->rest > 0) {
		group->rest--;
		return false;
	}
	panel->sieve->bounds->sieve(
		&group->probes, block->codes, block->scales, block->residuals,
		panel->least + g * TILE_QUERIES, meeting->rows_least, left);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		if (group->askers[i].vector == NULL)
			left[i] = 0;
		any |= left[i];
	}
	if (any == 0 || keep_pairs(meeting, g, b, left)) {
		group->pause = 0;
		return true;
	}
	group->pause = group->pause < PAUSE ? 2 * group->pause + 1 : PAUSE;
	group->rest = group->pause;
	return false;
}

/* A group and the run, block by block; returns how many were scored whole. */
static size_t meet_group(const struct meeting *meeting, size_t g)
{
	size_t scored = 0;

	for (size_t b = 0; b < meeting->run->count; b++)
		if (!sift(meeting, g, b)) {
			score_block(meeting, g, b);
			scored++;
		}
	return scored;
}

void panel_score(struct panel *panel, size_t group_by_count,
		 const struct block_run *run, const float rows_least[TILE_ROWS],
		 void (*offer)(void *shared, size_t query, size_t row,
			       float score),
		 void *shared)
{
	const struct meeting meeting = {panel, run, rows_least, offer, shared};
	bool telling = is_telling(run), dense = panel->sieve->bounds == NULL;

	take_run(panel, run);
	for (size_t g = 0; g < group_by_count; g++) {
		if (telling && dense) {
			score_run(&meeting, g);
			continue;
		}
		if (telling)
			raise_group(panel, g, run);
		/* Where bytes tell the rows of a run apart of one group, they
		 * do so of others. */
		dense = meet_group(&meeting, g) * 2 > run->count;
	}
	settle_pairs(&meeting);
}
