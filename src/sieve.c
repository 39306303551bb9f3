#include "sieve.h"

#include <math.h>
#include <stdlib.h>

#include "alloc.h"

enum {
	/* Where more pairs of a tile are left, all are scored at once. */
	FEW = 24,
	/* Blocks that a group goes without a sieve, at most. */
	PAUSE = 16,
	PANEL_BYTES = 512 * 1024,
	/* Bounds of a panel's groups. */
	LEAST_GROUPS = 16,
	MOST_GROUPS = 640
};

/* ------------------------------------------------------------------ panels */

size_t sieve_panel(const struct sieve *sieve)
{
	size_t item = sieve->bounds ? 1 : sizeof(float);
	size_t groups = PANEL_BYTES / (sieve->d * item) / TILE_QUERIES;

	if (groups > MOST_GROUPS)
		groups = MOST_GROUPS;
	return (groups < LEAST_GROUPS ? LEAST_GROUPS : groups) * TILE_QUERIES;
}

void askers_begin(struct askers *askers, const struct sieve *sieve,
		  size_t count)
{
	*askers = (struct askers){.sieve = sieve, .count = count};
	askers->vectors =
		alloc_aligned(alloc_product(count, sieve->d), sizeof(float));
	askers->each = alloc(count, sizeof *askers->each);
	if (sieve->bounds == NULL)
		return;
	askers->probes = alloc(count, sizeof *askers->probes);
	for (size_t i = 0; i < count; i++)
		probe_begin(&askers->probes[i], sieve->d);
}

void askers_put(struct askers *askers, size_t i, const float *vector,
		double factor)
{
	size_t d = askers->sieve->d;
	float *unit = askers->vectors + i * d;

	askers->each[i] = (struct asker){NULL, NULL};
	if (factor == 0)
		return;
	tile_scale(unit, 1, vector, d, factor);
	askers->each[i].vector = unit;
	if (askers->probes != NULL) {
		probe_set(&askers->probes[i], unit, d);
		askers->each[i].probe = &askers->probes[i];
	}
}

void askers_end(struct askers *askers)
{
	for (size_t i = 0; askers->probes != NULL && i < askers->count; i++)
		probe_end(&askers->probes[i]);
	free(askers->probes);
	free(askers->vectors);
	free(askers->each);
	*askers = (struct askers){0};
}

void panel_begin(struct panel *panel, const struct sieve *sieve, size_t count)
{
	size_t d = sieve->d;
	size_t groups = (count + TILE_QUERIES - 1) / TILE_QUERIES;

	*panel = (struct panel){.sieve = sieve, .groups_count = groups};
	panel->groups = alloc(groups, sizeof *panel->groups);
	panel->units = alloc_aligned(alloc_product(groups * TILE_QUERIES, d),
				     sizeof(float));
	panel->least = alloc(groups * TILE_QUERIES, sizeof(float));
	panel->turned =
		alloc_aligned(alloc_product(TILE_ROWS, d), sizeof(float));
	for (size_t g = 0; g < groups; g++) {
		panel->groups[g].units = panel->units + g * TILE_QUERIES * d;
		if (sieve->bounds != NULL)
			probes_begin(&panel->groups[g].probes, d);
	}
	for (size_t i = 0; i < groups * TILE_QUERIES; i++)
		panel_put(panel, i, (struct asker){NULL, NULL});
}

void panel_put(struct panel *panel, size_t i, struct asker asker)
{
	struct group *group = &panel->groups[i / TILE_QUERIES];

	group->askers[i % TILE_QUERIES] = asker;
	group->packed = false;
	if (panel->sieve->bounds != NULL)
		probes_set(&group->probes, i % TILE_QUERIES, asker.probe);
	panel->least[i] = INFINITY;
	/* To begin with all rows are above a bar. */
	group->pause = 0;
	group->rest = 1;
}

void panel_end(struct panel *panel)
{
	for (size_t g = 0; g < panel->groups_count; g++)
		probes_end(&panel->groups[g].probes);
	free(panel->groups);
	free(panel->units);
	free(panel->least);
	free(panel->turned);
	*panel = (struct panel){0};
}

/* The queries of a group as tile.h has them. */
static const float *group_units(struct group *group, size_t d)
{
	for (size_t i = 0; i < TILE_QUERIES && !group->packed; i++) {
		const float *vector = group->askers[i].vector;

		for (size_t j = 0; j < d; j++)
			group->units[j * TILE_QUERIES + i] =
				vector ? vector[j] : NAN;
	}
	group->packed = true;
	return group->units;
}

/* ------------------------------------------------------------------ blocks */

void packed_begin(struct packed *packed, const struct sieve *sieve)
{
	size_t items = alloc_product(TILE_ROWS, sieve->d);

	*packed = (struct packed){0};
	packed->vectors = alloc_aligned(items, sizeof(float));
	if (sieve->bounds != NULL) {
		packed->codes = alloc_aligned(codes_block(sieve->d), 1);
		packed->scales = alloc_aligned(TILE_ROWS, sizeof(float));
		packed->residuals = alloc_aligned(TILE_ROWS, sizeof(float));
	}
	packed->block = (struct block){
		.vectors = packed->vectors,
		.codes = packed->codes,
		.scales = packed->scales,
		.residuals = packed->residuals,
	};
}

void packed_put(struct packed *packed, const struct sieve *sieve, size_t r,
		const float *vector, double factor)
{
	float *unit = packed->vectors + r * sieve->d;

	for (size_t j = 0; j < sieve->d && factor == 0; j++)
		unit[j] = 0;
	if (factor != 0)
		tile_scale(unit, 1, vector, sieve->d, factor);
	if (sieve->bounds != NULL)
		codes_put(unit, sieve->d, packed->codes, r, &packed->scales[r],
			  &packed->residuals[r]);
	if (factor != 0)
		return;
	/* Its bound is below any finite bar. */
	unit[0] = NAN;
	if (sieve->bounds != NULL)
		packed->residuals[r] = -INFINITY;
}

void packed_end(struct packed *packed)
{
	free(packed->vectors);
	free(packed->codes);
	free(packed->scales);
	free(packed->residuals);
	*packed = (struct packed){0};
}

/* A vector of the block in hand, also where that came without. */
static const float *vector_at(struct panel *panel, size_t r)
{
	size_t d = panel->sieve->d;
	float *vector = panel->turned + r * d;

	if (panel->block.vectors != NULL)
		return panel->block.vectors + r * d;
	if ((panel->turned_rows >> r & 1) == 0) {
		panel->turned_rows |= (uint64_t)1 << r;
		for (size_t j = 0; j < d; j++)
			vector[j] = panel->block.units[j * TILE_ROWS + r];
	}
	return vector;
}

/* The block in hand as tile.h has it. */
static const float *block_units(struct panel *panel)
{
	size_t d = panel->sieve->d;

	if (panel->block.units == NULL) {
		for (size_t r = 0; r < TILE_ROWS; r++)
			for (size_t j = 0; j < d; j++)
				panel->turned[j * TILE_ROWS + r] =
					panel->block.vectors[r * d + j];
		panel->block.units = panel->turned;
	}
	return panel->block.units;
}

/* ----------------------------------------------------------------- meeting */

/* A meeting of a panel and a block. */
struct meeting {
	struct panel *panel;
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
static void take_pair(struct panel *panel, size_t k, struct pair pair)
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
	const struct kernel *kernel = panel->sieve->kernel;
	size_t d = panel->sieve->d, count = 0;
	float margin = (float)tile_margin(d);

	for (size_t p = 0; p < panel->pairs_count; p++)
		take_pair(panel, p, panel->pairs[p]);
	kernel->guess(panel->pair_queries, panel->pair_rows, panel->pairs_count,
		      d, panel->scores);
	for (size_t p = 0; p < panel->pairs_count; p++) {
		struct pair pair = panel->pairs[p];

		if (panel->scores[p] >=
		    bar_of(meeting, pair.query, pair.row) - margin)
			take_pair(panel, count++, pair);
	}
	kernel->chains(panel->pair_queries, panel->pair_rows, count, d,
		       panel->scores);
	for (size_t p = 0; p < count; p++) {
		struct pair pair = panel->pairs[p];

		if (panel->scores[p] > bar_of(meeting, pair.query, pair.row))
			meeting->offer(meeting->shared, pair.query, pair.row,
				       panel->scores[p]);
	}
	panel->pairs_count = 0;
}

/* Score all pairs of a group. */
static void score_group(const struct meeting *meeting, size_t g)
{
	struct panel *panel = meeting->panel;
	_Alignas(64) float scores[TILE_QUERIES * TILE_ROWS];
	uint64_t above[TILE_QUERIES];

	panel->sieve->kernel->tile(
		group_units(&panel->groups[g], panel->sieve->d),
		block_units(panel), panel->sieve->d,
		panel->least + g * TILE_QUERIES, meeting->rows_least, scores,
		above);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		size_t query = g * TILE_QUERIES + i;

		for (; above[i] != 0; above[i] &= above[i] - 1) {
			unsigned r = (unsigned)__builtin_ctzll(above[i]);
			float score = scores[i * TILE_ROWS + r];

			if (score > bar_of(meeting, query, r))
				meeting->offer(meeting->shared, query, r,
					       score);
		}
	}
}

/* Keep the pairs that are left of a group; false where they are not few, and
 * then none is kept. */
static bool keep_pairs(const struct meeting *meeting, size_t g,
		       const uint64_t left[TILE_QUERIES])
{
	struct panel *panel = meeting->panel;

	if (panel->pairs_count > SIEVE_PAIRS - FEW)
		settle_pairs(meeting);
	size_t count = panel->pairs_count, most = count + FEW;
	for (size_t i = 0; i < TILE_QUERIES; i++)
		for (uint64_t rest = left[i]; rest != 0; rest &= rest - 1) {
			if (count == most)
				return false;
			panel->pairs[count++] =
				(struct pair){(uint32_t)(g * TILE_QUERIES + i),
					      (uint32_t)__builtin_ctzll(rest)};
		}
	panel->pairs_count = count;
	return true;
}

/* Sift a group; false where all its pairs are to be scored. */
static bool sift(const struct meeting *meeting, size_t g)
{
	const struct panel *panel = meeting->panel;
	struct group *group = &panel->groups[g];
	uint64_t left[TILE_QUERIES], any = 0;

	if (panel->sieve->bounds == NULL)
		return false;
	if (group->rest > 0) {
		group->rest--;
		return false;
	}
	panel->sieve->bounds->sieve(&group->probes, panel->block.codes,
				    panel->block.scales, panel->block.residuals,
				    panel->least + g * TILE_QUERIES,
				    meeting->rows_least, left);
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		if (group->askers[i].vector == NULL)
			left[i] = 0;
		any |= left[i];
	}
	if (any == 0 || keep_pairs(meeting, g, left)) {
		group->pause = 0;
		return true;
	}
	group->pause = group->pause < PAUSE ? 2 * group->pause + 1 : PAUSE;
	group->rest = group->pause;
	return false;
}

void panel_meet(struct panel *panel, size_t count, const struct block *block,
		const float rows_least[TILE_ROWS],
		void (*offer)(void *shared, size_t query, size_t row,
			      float score),
		void *shared)
{
	const struct meeting meeting = {panel, rows_least, offer, shared};

	panel->block = *block;
	panel->turned_rows = 0;
	for (size_t g = 0; g < count; g++)
		if (!sift(&meeting, g))
			score_group(&meeting, g);
	if (panel->pairs_count > 0)
		settle_pairs(&meeting);
}
