#include "search/segmentation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "search/coarse_quantizer.h"
#include "search/nearest_centre.h"

/* ----------------------------------------------------------------- one run */

/* Centres and what rows have to do with them. */
struct state {
	float *centres;         /* k x d */
	uint32_t *group;        /* n */
	float *cosine, *margin; /* n */
	double sum;             /* of cosines */
};

/* What one run works with. */
struct run {
	const struct row_sample *sample;
	size_t k;
	uint64_t seed, counter; /* of random numbers */
	float *tiles;           /* the rows, packed TILE_QUERIES at a time */
	size_t step;            /* every so many rows seed centres */
	double *distance; /* n / step: 1 - cosine with the nearest centre */
	float *cosines;   /* CANDIDATES x n / step */
	double *sums;     /* k x d */
};

static void state_begin(struct state *state, const struct run *run)
{
	size_t n = run->sample->n;

	state->centres = alloc(alloc_product(run->k, run->sample->d),
			       sizeof *state->centres);
	state->group = alloc(n, sizeof *state->group);
	state->cosine = alloc(n, sizeof *state->cosine);
	state->margin = alloc(n, sizeof *state->margin);
}

static void state_end(struct state *state)
{
	free(state->centres);
	free(state->group);
	free(state->cosine);
	free(state->margin);
}

static void state_copy(struct state *to, const struct state *from,
		       const struct run *run)
{
	size_t n = run->sample->n;

	memcpy(to->centres, from->centres,
	       run->k * run->sample->d * sizeof *to->centres);
	memcpy(to->group, from->group, n * sizeof *to->group);
	memcpy(to->cosine, from->cosine, n * sizeof *to->cosine);
	memcpy(to->margin, from->margin, n * sizeof *to->margin);
	to->sum = from->sum;
}

static void run_begin(struct run *run)
{
	size_t n = run->sample->n, d = run->sample->d;
	size_t tiles = (n + TILE_QUERIES - 1) / TILE_QUERIES;

	run->tiles = alloc_aligned(
		alloc_product(tiles, alloc_product(TILE_QUERIES, d)),
		sizeof *run->tiles);
	for (size_t row = 0; row < tiles * TILE_QUERIES; row++)
		dot_pack_query(run->tiles +
				       row / TILE_QUERIES * TILE_QUERIES * d,
			       row % TILE_QUERIES,
			       row < n ? run->sample->rows + row * d : NULL, d);
	run->step = (n + SEGMENTATION_SEEDING - 1) / SEGMENTATION_SEEDING;
	run->distance = alloc(n, sizeof *run->distance);
	run->cosines = alloc(alloc_product(SEGMENTATION_CANDIDATES, n),
			     sizeof *run->cosines);
	run->sums = alloc(alloc_product(run->k, d), sizeof *run->sums);
}

static void run_end(struct run *run)
{
	free(run->tiles);
	free(run->distance);
	free(run->cosines);
	free(run->sums);
}

/* --------------------------------------------------------------- new centres
 */

/* Rows that seed centres. */
static size_t seeding_rows(const struct run *run)
{
	return (run->sample->n + run->step - 1) / run->step;
}

static const float *seeding_row(const struct run *run, size_t i)
{
	return run->sample->rows + i * run->step * run->sample->d;
}

/* Cosines of the seeding rows with count vectors: run->cosines is count x
 * them. */
static void score_all(const struct run *run, const float *vectors, size_t count)
{
	size_t rows = seeding_rows(run);
	struct coarse_quantizer quantizer;
	struct coarse_query query;

	coarse_quantizer_begin(&quantizer, vectors, count, run->sample->d,
			       dot_kernel_best());
	coarse_query_begin(&query, &quantizer);
	for (size_t begin = 0; begin < rows; begin += TILE_QUERIES) {
		for (size_t i = 0; i < TILE_QUERIES; i++)
			coarse_query_put(&query, i, seeding_row(run, begin + i),
					 begin + i < rows);
		coarse_query_score(&query);
		for (size_t i = 0; i < TILE_QUERIES && begin + i < rows; i++)
			for (size_t c = 0; c < count; c++)
				run->cosines[c * rows + begin + i] =
					query.scores[i * TILE_ROWS + c];
	}
	coarse_query_end(&query);
	coarse_quantizer_end(&quantizer);
}

/* A row drawn with a chance in proportion to its distance. */
static size_t draw_row(struct run *run, double total)
{
	double place = random_uniform(run->seed, run->counter++) * total;
	size_t last = 0;

	for (size_t i = 0; i < seeding_rows(run); i++) {
		if (!(run->distance[i] > 0))
			continue;
		last = i;
		place -= run->distance[i];
		if (place < 0)
			break;
	}
	return last;
}

static double distance_with(const struct run *run, size_t i, float cosine)
{
	return fmin(run->distance[i], fmax(1 - (double)cosine, 0));
}

/* Set the centre to that of several candidates that leaves the least distance;
 * returns what it leaves of the total. */
static double add_centre(struct run *run, float *centre, double total)
{
	size_t rows = seeding_rows(run), d = run->sample->d, best = 0;
	float *vectors = alloc(alloc_product(SEGMENTATION_CANDIDATES, d),
			       sizeof *vectors);
	double least = INFINITY;

	for (size_t c = 0; c < SEGMENTATION_CANDIDATES; c++)
		memcpy(vectors + c * d, seeding_row(run, draw_row(run, total)),
		       d * sizeof *vectors);
	score_all(run, vectors, SEGMENTATION_CANDIDATES);
	for (size_t c = 0; c < SEGMENTATION_CANDIDATES; c++) {
		double left = 0;

		for (size_t i = 0; i < rows; i++)
			left += distance_with(run, i,
					      run->cosines[c * rows + i]);
		if (left < least) {
			least = left;
			best = c;
		}
	}
	memcpy(centre, vectors + best * d, d * sizeof *vectors);
	for (size_t i = 0; i < rows; i++)
		run->distance[i] =
			distance_with(run, i, run->cosines[best * rows + i]);
	free(vectors);
	return least;
}

/* Rows that are far from each other as the first centres. */
static void begin_centres(struct run *run, float *centres)
{
	double total = (double)seeding_rows(run);

	for (size_t i = 0; i < seeding_rows(run); i++)
		run->distance[i] = 1;
	for (size_t at = 0; at < run->k; at++)
		total = add_centre(run, centres + at * run->sample->d, total);
}

/* ---------------------------------------------------------------- iteration */

/* Move each centre to the normalized sum of its rows; one without rows becomes
 * the row that is farthest from its own centre. */
static void move_centres(struct run *run, struct state *state)
{
	size_t n = run->sample->n, d = run->sample->d;

	memset(run->sums, 0, run->k * d * sizeof *run->sums);
	for (size_t i = 0; i < n; i++) {
		const float *row = run->sample->rows + i * d;
		double *sum = run->sums + state->group[i] * d;

		for (size_t j = 0; j < d; j++)
			sum[j] += (double)row[j];
	}
	for (size_t c = 0; c < run->k; c++) {
		double square = 0;
		size_t far = 0;

		for (size_t j = 0; j < d; j++)
			square += run->sums[c * d + j] * run->sums[c * d + j];
		for (size_t j = 0; j < d && square > 0; j++)
			state->centres[c * d + j] =
				(float)(run->sums[c * d + j] / sqrt(square));
		if (square > 0)
			continue;
		for (size_t i = 1; i < n; i++)
			if (state->cosine[i] < state->cosine[far])
				far = i;
		memcpy(state->centres + c * d, run->sample->rows + far * d,
		       d * sizeof *state->centres);
		state->cosine[far] = 2; /* taken */
	}
}

/* Assign all rows; true where any changed its group. */
static bool assign_all(struct run *run, struct state *state)
{
	size_t n = run->sample->n, d = run->sample->d;
	struct coarse_quantizer quantizer;
	struct coarse_query query;
	struct nearest_centres best;
	bool changed = false;

	coarse_quantizer_begin(&quantizer, state->centres, run->k, d,
			       dot_kernel_best());
	coarse_query_begin(&query, &quantizer);
	float *own = query.packed;
	state->sum = 0;
	for (size_t begin = 0; begin < n; begin += TILE_QUERIES) {
		query.packed = run->tiles + begin * d;
		coarse_query_score(&query);
		nearest_centres_find(query.scores, quantizer.blocks * TILE_ROWS,
				     run->k, &best);
		for (size_t i = 0; i < TILE_QUERIES && begin + i < n; i++) {
			size_t row = begin + i;
			uint32_t centre = nearest_centres_of_row(
				&best, i, &state->cosine[row],
				&state->margin[row]);

			changed |= centre != state->group[row];
			state->group[row] = centre;
			state->sum += (double)state->cosine[row];
		}
	}
	query.packed = own;
	coarse_query_end(&query);
	coarse_quantizer_end(&quantizer);
	return changed;
}

/* Iterate from the centres. */
static void iterate(struct run *run, struct state *state)
{
	for (int i = 0; i < SEGMENTATION_STEPS && assign_all(run, state); i++)
		move_centres(run, state);
	assign_all(run, state);
}

/* ---------------------------------------------------------- moves of centres
 */

/* The centre whose loss costs its rows least, but for rank of them. */
static size_t cheapest_centre(const struct run *run, const struct state *state,
			      size_t rank)
{
	double *cost = alloc(run->k, sizeof *cost);
	size_t best = 0;

	for (size_t i = 0; i < run->sample->n; i++)
		cost[state->group[i]] += (double)state->margin[i];
	for (size_t i = 0; i <= rank; i++) {
		best = 0;
		for (size_t c = 1; c < run->k; c++)
			if (cost[c] < cost[best])
				best = c;
		cost[best] = INFINITY;
	}
	free(cost);
	return best;
}

/* Put the centre elsewhere: where rows are far from all others. */
static void move_centre(struct run *run, struct state *state, size_t centre)
{
	double total = 0;

	for (size_t i = 0; i < seeding_rows(run); i++) {
		size_t row = i * run->step;
		double cosine = (double)state->cosine[row];

		if (state->group[row] == centre)
			cosine -= (double)state->margin[row];
		run->distance[i] = fmax(1 - cosine, 0);
		total += run->distance[i];
	}
	add_centre(run, state->centres + centre * run->sample->d, total);
}

static void try_moves(struct run *run, struct state *state)
{
	struct state other;
	size_t failures = 0;

	state_begin(&other, run);
	while (failures < SEGMENTATION_FAILURES && failures < run->k) {
		state_copy(&other, state, run);
		move_centre(run, &other, cheapest_centre(run, state, failures));
		iterate(run, &other);
		failures++;
		if (other.sum > state->sum * (1 + 1e-6)) {
			state_copy(state, &other, run);
			failures = 0;
		}
	}
	state_end(&other);
}

double segmentation_run(const struct row_sample *sample, size_t k,
			uint64_t seed, float *centres)
{
	struct run run = {.sample = sample, .k = k, .seed = seed};
	struct state state;

	run_begin(&run);
	state_begin(&state, &run);
	begin_centres(&run, state.centres);
	iterate(&run, &state);
	if (k > 1)
		try_moves(&run, &state);
	memcpy(centres, state.centres, k * sample->d * sizeof *centres);
	state_end(&state);
	run_end(&run);
	return state.sum;
}

struct training {
	const struct row_sample *sample;
	size_t k;
	uint64_t seed;
	float *centres; /* runs x k x d */
	double *sums;   /* runs */
};

static void train_once(void *shared, size_t run, unsigned thread)
{
	const struct training *t = shared;

	(void)thread;
	t->sums[run] =
		segmentation_run(t->sample, t->k, random_bits(t->seed, run),
				 t->centres + run * t->k * t->sample->d);
}

void segmentation_train(const struct row_sample *sample, size_t k, size_t runs,
			uint64_t seed, unsigned threads, float *centres)
{
	size_t items = alloc_product(k, sample->d), best = 0;
	struct training training = {
		.sample = sample,
		.k = k,
		.seed = seed,
		.centres = alloc(alloc_product(runs, items), sizeof(float)),
		.sums = alloc(runs, sizeof(double)),
	};

	thread_pool_run(threads, runs, train_once, &training);
	for (size_t run = 1; run < runs; run++)
		if (training.sums[run] > training.sums[best])
			best = run;
	memcpy(centres, training.centres + best * items,
	       items * sizeof *centres);
	free(training.centres);
	free(training.sums);
}
