#include "evaluate/segment_stability.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "evaluate/adjusted_rand.h"
#include "search/dot_vectors.h"
#include "search/nearest_centre.h"
#include "search/segmentation.h"

/* Customers of both halves, below which nothing is said. */
enum { MIN_CUSTOMERS = 20 };

/* Runs of k-means of which the best is taken, for each seed. */
enum { RUNS = 1 };

enum { HALVES = 2, SEEDS = SEGMENT_STABILITY_SEEDS };

struct stability_job {
	struct row_sample half[HALVES]; /* row i of both is one customer */
	size_t n;
	uint64_t seed;
	uint32_t *groups; /* k x HALVES x SEEDS x n */
};

static uint32_t *groups_of(const struct stability_job *job, size_t which,
			   size_t half, size_t seed)
{
	return job->groups + ((which * HALVES + half) * SEEDS + seed) * job->n;
}

/* -------------------------------------------------------------- population */

static bool has_signal(const struct model *model, size_t row)
{
	double square =
		dot_square_norm(model->embedding + row * model->k, model->k);

	return square > 0 && isfinite(square);
}

/* The rows in a and b of the customers of both; returns how many. */
static size_t find_both(const struct model *a, const struct model *b,
			uint32_t *row_a, uint32_t *row_b)
{
	size_t count = 0;

	for (size_t row = 0; row < a->matrix.n; row++) {
		size_t length;
		const char *name =
			text_array_at(&a->matrix.users, row, &length);
		size_t other = model_find(b, name, length);

		if (other == SIZE_MAX || !has_signal(a, row) ||
		    !has_signal(b, other))
			continue;
		row_a[count] = (uint32_t)row;
		row_b[count++] = (uint32_t)other;
	}
	return count;
}

/* Copy rows as unit vectors. */
static void copy_rows(struct row_sample *sample, const struct model *model,
		      const uint32_t *rows, size_t n)
{
	size_t d = model->k;

	*sample = (struct row_sample){.n = n, .d = d};
	sample->rows = alloc(alloc_product(n, d), sizeof *sample->rows);
	for (size_t i = 0; i < n; i++) {
		const float *from = model->embedding + rows[i] * d;

		dot_scale(sample->rows + i * d, from, d,
			  1 / sqrt(dot_square_norm(from, d)));
	}
}

/* Of count items as many as the limit, one at random from each of as many equal
 * strata; returns how many. */
static size_t thin(uint32_t *row_a, uint32_t *row_b, size_t count, size_t limit,
		   uint64_t seed)
{
	if (count <= limit)
		return count;
	for (size_t i = 0; i < limit; i++) {
		double place = ((double)i + random_uniform(seed, i)) *
			       ((double)count / (double)limit);
		size_t at = (size_t)place < count ? (size_t)place : count - 1;

		row_a[i] = row_a[at];
		row_b[i] = row_b[at];
	}
	return limit;
}

static const char *begin(struct stability_job *job, const struct model *a,
			 const struct model *b, uint64_t seed)
{
	uint32_t *row_a = alloc(a->matrix.n + 1, sizeof *row_a);
	uint32_t *row_b = alloc(a->matrix.n + 1, sizeof *row_b);
	size_t count = find_both(a, b, row_a, row_b);
	const char *error = NULL;

	if (count < MIN_CUSTOMERS)
		error = error_text(
			"%s, %s: %zu customers have tags with weight "
			"in both halves: at least %d are needed",
			a->input.name, b->input.name, count, MIN_CUSTOMERS);
	job->seed = seed;
	job->n = thin(row_a, row_b, count, SEGMENT_STABILITY_CUSTOMERS, seed);
	if (error == NULL) {
		copy_rows(&job->half[0], a, row_a, job->n);
		copy_rows(&job->half[1], b, row_b, job->n);
	}
	free(row_a);
	free(row_b);
	return error;
}

/* ----------------------------------------------------------------- segments */

/* Segment a half from a seed into as many groups as the piece
 * stands for. */
static void segment_half(void *shared, size_t piece, unsigned thread)
{
	const struct stability_job *job = shared;
	size_t seed = piece % SEEDS, half = piece / SEEDS % HALVES;
	size_t which = piece / (SEEDS * HALVES);
	const struct row_sample *sample = &job->half[half];
	size_t k = SEGMENT_STABILITY_MIN_K + which;
	float *centres = alloc(alloc_product(k, sample->d), sizeof *centres);
	const struct centre_assignment assignment = {
		.centres = centres,
		.rows = sample->rows,
		.k = k,
		.n = job->n,
		.d = sample->d,
		.group = groups_of(job, which, half, seed)};

	(void)thread;
	segmentation_train(sample, k, RUNS,
			   random_bits(job->seed, half * SEEDS + seed), 1,
			   centres);
	nearest_centre_assign(&assignment, 1);
	free(centres);
	progress_add(1);
}

/* Set the mean index between halves and its standard error. */
static void compare_halves(const struct stability_job *job, size_t which,
			   struct segment_stability *stability)
{
	size_t k = SEGMENT_STABILITY_MIN_K + which;
	double without[ADJUSTED_RAND_PIECES], left[ADJUSTED_RAND_PIECES] = {0};
	double value[SEEDS], mean = 0, of_seeds = 0, middle = 0, jackknife = 0;

	for (size_t seed = 0; seed < SEEDS; seed++) {
		value[seed] = adjusted_rand(groups_of(job, which, 0, seed), k,
					    groups_of(job, which, 1, seed), k,
					    job->n, without);
		mean += value[seed] / SEEDS;
		for (size_t p = 0; p < ADJUSTED_RAND_PIECES; p++)
			left[p] += without[p] / SEEDS;
	}
	for (size_t seed = 0; seed < SEEDS; seed++)
		of_seeds += (value[seed] - mean) * (value[seed] - mean);
	for (size_t p = 0; p < ADJUSTED_RAND_PIECES; p++)
		middle += left[p] / ADJUSTED_RAND_PIECES;
	for (size_t p = 0; p < ADJUSTED_RAND_PIECES; p++)
		jackknife += (left[p] - middle) * (left[p] - middle);
	stability->halves[which] = mean;
	stability->error[which] = sqrt(of_seeds / (SEEDS - 1) / SEEDS +
				       jackknife * (ADJUSTED_RAND_PIECES - 1) /
					       ADJUSTED_RAND_PIECES);
}

static void compare_seeds(const struct stability_job *job, size_t which,
			  struct segment_stability *stability)
{
	size_t k = SEGMENT_STABILITY_MIN_K + which;
	double sum = 0;

	for (size_t i = 0; i < SEEDS; i++)
		for (size_t j = 0; j < i; j++)
			sum += adjusted_rand(groups_of(job, which, 0, i), k,
					     groups_of(job, which, 0, j), k,
					     job->n, NULL);
	stability->seeds[which] = sum / (SEEDS * (SEEDS - 1) / 2.);
}

/* Set the mean size of the smallest segment. */
static void find_smallest(const struct stability_job *job, size_t which,
			  struct segment_stability *stability)
{
	size_t k = SEGMENT_STABILITY_MIN_K + which, sum = 0;
	size_t *sizes = alloc(k, sizeof *sizes);

	for (size_t run = 0; run < HALVES * SEEDS; run++) {
		const uint32_t *group =
			groups_of(job, which, run / SEEDS, run % SEEDS);
		size_t minimum = job->n;

		memset(sizes, 0, k * sizeof *sizes);
		for (size_t i = 0; i < job->n; i++)
			sizes[group[i]]++;
		for (size_t c = 0; c < k; c++)
			minimum = sizes[c] < minimum ? sizes[c] : minimum;
		sum += minimum;
	}
	stability->smallest[which] = (double)sum / (HALVES * SEEDS);
	free(sizes);
}

static bool is_candidate(const struct segment_stability *s, size_t which)
{
	return which == 0 || s->smallest[which] >= SEGMENT_STABILITY_MIN_SIZE;
}

static void choose(struct segment_stability *s)
{
	size_t best = 0;

	for (size_t i = 1; i < s->count; i++)
		if (is_candidate(s, i) && s->halves[i] > s->halves[best])
			best = i;
	s->best = SEGMENT_STABILITY_MIN_K + best;
	s->chosen = 1;
	if (s->halves[best] < SEGMENT_STABILITY_MIN_INDEX)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (is_candidate(s, i) &&
		    s->halves[i] >= s->halves[best] - s->error[best])
			s->chosen = SEGMENT_STABILITY_MIN_K + i;
}

const char *segment_stability_find(struct segment_stability *stability,
				   const struct model *a, const struct model *b,
				   uint64_t seed, unsigned threads)
{
	struct stability_job job = {0};
	const char *error = begin(&job, a, b, seed);

	*stability = (struct segment_stability){.customers = job.n};
	if (error != NULL)
		return error;
	/* At least ten customers for each segment. */
	stability->count = job.n / 10 - SEGMENT_STABILITY_MIN_K + 1;
	if (stability->count > SEGMENT_STABILITY_COUNT)
		stability->count = SEGMENT_STABILITY_COUNT;
	size_t pieces = stability->count * HALVES * SEEDS;
	job.groups = alloc(alloc_product(pieces, job.n), sizeof *job.groups);
	progress_begin("partitions", pieces);
	thread_pool_run(threads, pieces, segment_half, &job);
	progress_end();
	for (size_t which = 0; which < stability->count; which++) {
		compare_halves(&job, which, stability);
		compare_seeds(&job, which, stability);
		find_smallest(&job, which, stability);
	}
	choose(stability);
	row_sample_free(&job.half[0]);
	row_sample_free(&job.half[1]);
	free(job.groups);
	return NULL;
}

void segment_stability_write(struct output *output,
			     const struct segment_stability *stability)
{
	output_text(output, "k\thalves\terror\tseeds\tchosen\tsmallest\n");
	for (size_t i = 0; i < stability->count; i++) {
		size_t k = SEGMENT_STABILITY_MIN_K + i;

		output_print(output, "%zu\t%.4f\t%.4f\t%.4f\t%d\t%.1f\n", k,
			     stability->halves[i], stability->error[i],
			     stability->seeds[i], k == stability->chosen,
			     stability->smallest[i]);
	}
}
