/* contrast and stratified_count: the distribution against all ways to draw,
 * groups drawn at random rejected no more often than is claimed, and a planted
 * effect found. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cases.h"
#include "explain/contrast.h"
#include "explain/stratified_count.h"

/* ------------------------------------------------------------- distribution */

static double choose(int64_t n, int64_t k)
{
	double product = 1;

	for (int64_t i = 0; i < k; i++)
		product = product * (double)(n - i) / (double)(i + 1);
	return product;
}

/* P(x of them) in the strata from this one on. */
static double probability(const struct stratum *strata, size_t count, int64_t x)
{
	double sum = 0;
	int64_t draws;

	if (count == 0)
		return x == 0;
	draws = (int64_t)strata->draws;
	for (int64_t i = 0; i <= draws && i <= x; i++) {
		int64_t others = strata->customers - strata->holders;

		if (i > strata->holders || draws - i > others)
			continue;
		sum += choose(strata->holders, i) * choose(others, draws - i) /
		       choose(strata->customers, draws) *
		       probability(strata + 1, count - 1, x - i);
	}
	return sum;
}

static int test_distribution(void)
{
	struct count_distribution distribution = {0};
	int failed = 0;

	for (int round = 0; round < 200; round++) {
		struct stratum strata[3];
		size_t members = 0;
		double below = 0, above = 0, mean = 0, at, p;

		for (size_t i = 0; i < 3; i++) {
			strata[i].customers = (int64_t)chance(20) + 1;
			strata[i].holders = (int64_t)chance(
				(size_t)strata[i].customers + 1);
			strata[i].draws =
				chance((size_t)strata[i].customers + 1);
			members += chance(strata[i].draws + 1);
		}
		count_distribution_make(&distribution, strata, 3, 1e-20);
		for (size_t x = 0; x <= 60; x++) {
			double one = probability(strata, 3, (int64_t)x);

			mean += (double)x * one;
			below += x < members ? one : 0;
			above += x > members ? one : 0;
		}
		at = probability(strata, 3, (int64_t)members);
		p = fmin(1, 2 * fmin(below + at / 2, above + at / 2));
		if (fabs(strata_mean(strata, 3) - mean) > 1e-9)
			failed |= fail("mean");
		if (fabs(count_distribution_mid_p(&distribution, members) - p) >
		    1e-9)
			failed |= fail("mid-p");
		if (fabs(count_distribution_upper(&distribution, members) -
			 above - at) > 1e-9)
			failed |= fail("upper tail");
	}
	count_distribution_free(&distribution);
	return failed;
}

/* The p of a count that is so many standard deviations above the mean, and in
 * *exact that of the distribution. */
static double p_above(const struct stratum *stratum, double deviations,
		      double *exact)
{
	struct count_distribution distribution = {0};
	size_t x = (size_t)(strata_mean(stratum, 1) +
			    deviations * sqrt(strata_variance(stratum, 1)));
	double p = contrast_p(&distribution, stratum, 1, x);

	count_distribution_make(&distribution, stratum, 1, 1e-20);
	*exact = count_distribution_mid_p(&distribution, x);
	count_distribution_free(&distribution);
	return p;
}

/* The normal p is near the exact one where it takes its place. */
static int test_normal(void)
{
	struct count_distribution distribution = {0};
	const struct stratum large = {60000, 20000, 25000};
	const struct stratum largest = {600000, 200000, 250000};
	const struct stratum middle = {20000, 6000, 10000};
	double exact, normal;
	int failed = 0;

	for (size_t sd = 1; sd <= 4; sd++) {
		size_t x = (size_t)(strata_mean(&middle, 1) +
				    (double)sd *
					    sqrt(strata_variance(&middle, 1)));
		double z = ((double)x - strata_mean(&middle, 1)) /
			   sqrt(strata_variance(&middle, 1));

		exact = contrast_p(&distribution, &middle, 1, x);
		normal = erfc(z / sqrt(2));
		if (!(fabs(log(exact / normal)) < 0.05))
			failed |= fail("the normal p is far from the exact");
	}
	for (double sd = 0.5; sd <= 4; sd += 0.5) {
		if (!(p_above(&middle, sd, &exact) == exact))
			failed |= fail("not the exact p of a small variance");
		if (!(fabs(log(p_above(&largest, sd, &exact) / exact)) < 0.05))
			failed |= fail("far from the p of a large variance");
	}
	exact = contrast_p(&distribution, &large, 1, 8333);
	if (!(exact > 0.9) || contrast_p(&distribution, &large, 1, 9333) > 1e-9)
		failed |= fail("p of a large variance");
	count_distribution_free(&distribution);
	return failed;
}

/* ------------------------------------------------------------------- groups */

enum { CUSTOMERS = 2000, TAGS = 60, PLANTED = 7 };

/* A matrix whose customers of higher tenths have more tags. */
struct world {
	struct csr_matrix matrix;
	int64_t indptr[CUSTOMERS + 1];
	int32_t indices[CUSTOMERS * TAGS];
	float raw[CUSTOMERS * TAGS];
	unsigned char tenth[CUSTOMERS];
};

/* How often customers of a tenth have a tag. */
static double rate(size_t tenth, size_t tag)
{
	if (tag == PLANTED)
		return 0.1 + 0.03 * (double)tenth;
	return (0.2 + 0.2 * (double)tenth) / (double)(tag + 2);
}

/* The first planted customers have the planted tag twice as often. */
static void fill(struct world *world, size_t planted)
{
	size_t at = 0;

	for (size_t i = 0; i < CUSTOMERS; i++) {
		size_t tenth = i % TENTHS;

		world->indptr[i] = (int64_t)at;
		world->tenth[i] = (unsigned char)tenth;
		for (size_t j = 0; j < TAGS; j++) {
			double share = rate(tenth, j);

			if (j == PLANTED && i < planted)
				share *= 2;
			if (random_uniform(seed, counter++) >= share)
				continue;
			world->indices[at] = (int32_t)j;
			world->raw[at++] = 1;
		}
	}
	world->indptr[CUSTOMERS] = (int64_t)at;
	world->matrix = (struct csr_matrix){.n = CUSTOMERS,
					    .m = TAGS,
					    .nnz = at,
					    .indptr = world->indptr,
					    .indices = world->indices,
					    .values = world->raw,
					    .raw = world->raw,
					    .tenth = world->tenth};
}

static const struct contrast_options options = {
	.min_group = 10, .min_members = 3, .rate = CONTRAST_RATE, .threads = 1};

/* Draw a group of the size. */
static void draw(uint32_t *group, size_t size)
{
	memset(group, 0xff, CUSTOMERS * sizeof *group);
	for (size_t drawn = 0; drawn < size;) {
		size_t i = chance(CUSTOMERS);

		drawn += group[i] != 0;
		group[i] = 0;
	}
}

/* How many customers of each tenth have each tag, and of the group. */
static void count(const struct world *world, const uint32_t *group,
		  int64_t holders[TAGS][TENTHS], size_t members[TAGS],
		  size_t draws[TENTHS])
{
	memset(holders, 0, TAGS * sizeof *holders);
	memset(members, 0, TAGS * sizeof *members);
	memset(draws, 0, TENTHS * sizeof *draws);
	for (size_t row = 0; row < CUSTOMERS; row++) {
		draws[world->tenth[row]] += group[row] == 0;
		for (int64_t j = world->indptr[row]; j < world->indptr[row + 1];
		     j++) {
			holders[world->indices[j]][world->tenth[row]]++;
			members[world->indices[j]] += group[row] == 0;
		}
	}
}

/* How many of the tests of a group reject at 5 %. */
static size_t count_rejected(const struct world *world, const uint32_t *group)
{
	struct count_distribution distribution = {0};
	int64_t holders[TAGS][TENTHS];
	size_t members[TAGS], draws[TENTHS], rejected = 0;

	count(world, group, holders, members, draws);
	for (size_t tag = 0; tag < TAGS; tag++) {
		struct stratum strata[TENTHS];

		for (size_t t = 0; t < TENTHS; t++)
			strata[t] = (struct stratum){CUSTOMERS / TENTHS,
						     holders[tag][t], draws[t]};
		rejected += contrast_p(&distribution, strata, TENTHS,
				       members[tag]) <= 0.05;
	}
	count_distribution_free(&distribution);
	return rejected;
}

/* Of the tests of groups drawn at random at most 6 % reject at 5 %, and a tag
 * is listed for about 5 % of groups at most. */
static int test_calibration(struct world *world, size_t size, int draws)
{
	uint32_t *group = alloc(CUSTOMERS, sizeof *group);
	double rejected = 0, listed = 0;
	int failed = 0;

	for (int i = 0; i < draws; i++) {
		struct contrast_group result;

		draw(group, size);
		if (contrast_compute(&world->matrix, group, 1, &options,
				     &result) != NULL)
			failed |= fail("an error");
		listed += result.more_count + result.fewer_count > 0;
		contrast_free(&result, 1);
		rejected += (double)count_rejected(world, group) / TAGS;
	}
	if (rejected > 0.06 * draws)
		failed |= fail("random groups are rejected too often");
	if (rejected < 0.02 * draws)
		failed |= fail("random groups are hardly ever rejected");
	if (listed > 0.05 * draws + 3 * sqrt(0.05 * draws))
		failed |= fail("tags of random groups are listed too often");
	printf("groups of %zu: %.4f of tests reject at .05, %.4f of groups "
	       "have a listed tag\n",
	       size, rejected / draws, listed / draws);
	free(group);
	return failed;
}

/* A tag that 100 have twice as often is listed, and its interval has 2, in at
 * least 90 % of worlds. */
static int test_power(struct world *world, int draws)
{
	uint32_t *group = alloc(CUSTOMERS, sizeof *group);
	int found = 0, covered = 0;

	for (size_t row = 0; row < CUSTOMERS; row++)
		group[row] = row < 100 ? 0 : CONTRAST_NONE;
	for (int i = 0; i < draws; i++) {
		struct contrast_group result;

		seed++;
		counter = 0;
		fill(world, 100);
		contrast_compute(&world->matrix, group, 1, &options, &result);
		for (size_t j = 0; j < result.more_count; j++) {
			const struct contrast_tag *tag = &result.more[j];

			if (tag->tag != PLANTED)
				continue;
			found++;
			covered += tag->low <= 2 && tag->high >= 2;
		}
		contrast_free(&result, 1);
	}
	free(group);
	printf("planted: found %d, covered %d of %d\n", found, covered, draws);
	return (found < 0.9 * draws || covered < 0.93 * found) &&
	       fail("planted effects are missed");
}

/* The same lists for any threads; everyone, too few, nobody. */
static int test_groups(const struct world *world)
{
	uint32_t *group = alloc(CUSTOMERS, sizeof *group);
	struct contrast_options two = options;
	struct contrast_group a[30], b[30];
	int failed = 0;

	for (size_t row = 0; row < CUSTOMERS; row++)
		group[row] = (uint32_t)chance(29);
	group[0] = 29;
	two.threads = 3;
	contrast_compute(&world->matrix, group, 30, &options, a);
	contrast_compute(&world->matrix, group, 30, &two, b);
	for (size_t i = 0; i < 30; i++)
		if (a[i].customers != b[i].customers ||
		    a[i].tested != b[i].tested ||
		    a[i].more_count != b[i].more_count)
			failed |= fail("other threads, other lists");
	if (a[29].tested > 0 || a[29].customers != 1)
		failed |= fail("a group of one customer");
	contrast_free(a, 30);
	contrast_free(b, 30);
	memset(group, 0, CUSTOMERS * sizeof *group);
	contrast_compute(&world->matrix, group, 2, &options, a);
	if (a[0].others > 0 || a[0].compared > 0 || a[0].tested > 0 ||
	    a[1].customers > 0)
		failed |= fail("a group of everyone, and of nobody");
	contrast_free(a, 2);
	free(group);
	return failed;
}

/* Whether the first members of a group of 10 and the first others of 30 have a
 * tag, of the four below: customers 0 to 9 are the group. */
static bool has_tag(size_t customer, size_t tag)
{
	static const size_t members[] = {3, 5, 2, 0}, others[] = {0, 3, 1, 2};

	return customer < 10 ? customer < members[tag]
			     : customer - 10 < others[tag];
}

/* Which tags are tested and listed at the limits, in which order; a value of 0
 * is no tag. */
static int test_limits(struct world *world)
{
	uint32_t group[40];
	struct contrast_options all = options;
	struct contrast_group result;
	size_t at = 0;
	int failed = 0;

	for (size_t i = 0; i < 40; i++) {
		group[i] = i < 10 ? 0 : CONTRAST_NONE;
		world->tenth[i] = 0;
		world->indptr[i] = (int64_t)at;
		for (size_t tag = 0; tag < 4; tag++) {
			world->indices[at] = (int32_t)tag;
			world->raw[at++] = has_tag(i, tag);
		}
	}
	world->indptr[40] = (int64_t)at;
	world->matrix.n = 40;
	world->matrix.m = 4;
	world->matrix.nnz = at;
	all.rate = 1;
	contrast_compute(&world->matrix, group, 1, &all, &result);
	if (result.compared != 10 || result.others != 30 || result.tested != 3)
		failed |= fail("other tags are tested than those of three");
	if (result.more_count != 2 || result.fewer_count != 0)
		failed |= fail("other tags are listed than those of three");
	/* Of tag 0 half a member is expected, since no other has it. */
	else if (result.more[0].tag != 1 || result.more[1].tag != 0)
		failed |= fail("the strongest tag is not the first");
	contrast_free(&result, 1);
	return failed;
}

int main(int argc, char **argv)
{
	struct world *world = alloc(1, sizeof *world);
	int draws = argc > 1 ? atoi(argv[1]) : 1000, failed;

	seed = 5;
	failed = test_distribution() | test_normal();
	fill(world, 0);
	failed |= test_calibration(world, 50, draws);
	failed |= test_calibration(world, 500, draws);
	failed |= test_groups(world);
	failed |= test_power(world, draws / 5);
	failed |= test_limits(world);
	free(world);
	return failed;
}
