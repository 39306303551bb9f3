#include "explain/contrast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "base/thread_pool.h"
#include "explain/stratified_count.h"

/* The 97.5 % quantile of the standard normal distribution. */
static const double quantile = 1.959963984540054;

/* Terms below this are left out of distributions. */
static const double negligible = 1e-20;

/* A distribution of more variance is taken as normal, and from FAR standard
 * deviations on one of variance MIDDLE: what matters there is that p is far
 * below any threshold. */
enum { LARGE = 5000, MIDDLE = 50, FAR = 8 };

/* ---------------------------------------------------------------- counting */

/* Who has a tag, by tenth, and the sum of their values. */
struct tag_counts {
	uint32_t *holders; /* m x TENTHS */
	double *sums;      /* m */
	size_t customers[TENTHS];
};

static void counts_begin(struct tag_counts *counts, size_t m)
{
	counts->holders =
		alloc(alloc_product(m, TENTHS), sizeof *counts->holders);
	counts->sums = alloc(m, sizeof *counts->sums);
}

static void counts_clear(struct tag_counts *counts, size_t m)
{
	memset(counts->holders, 0, m * TENTHS * sizeof *counts->holders);
	memset(counts->sums, 0, m * sizeof *counts->sums);
	memset(counts->customers, 0, sizeof counts->customers);
}

static void counts_end(struct tag_counts *counts)
{
	free(counts->holders);
	free(counts->sums);
}

static void count_row(struct tag_counts *counts,
		      const struct csr_matrix *matrix, size_t row)
{
	unsigned tenth = matrix->tenth[row];

	counts->customers[tenth]++;
	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1];
	     i++) {
		size_t tag = (size_t)matrix->indices[i];

		if (!(matrix->raw[i] > 0))
			continue;
		counts->holders[tag * TENTHS + tenth]++;
		counts->sums[tag] += (double)matrix->raw[i];
	}
}

/* -------------------------------------------------------------- one group */

struct contrast {
	const struct csr_matrix *matrix;
	const struct contrast_options *options;
	const size_t *rows;  /* those in groups, group after group, ascending */
	const size_t *first; /* groups + 1: where each begins */
	struct tag_counts all; /* who may be compared with */
	struct contrast_group *result;
	struct worker *workers; /* threads */
};

/* What one thread works with. */
struct worker {
	struct tag_counts group;
	struct tag_counts overlap; /* of the group, those in contrast.all */
	struct count_distribution distribution;
	struct contrast_tag *tags; /* m: of the tested */
	double *strength;          /* m: by tag */
	size_t *order;             /* m */
	bool ready;
};

static void worker_begin(struct worker *worker, size_t m)
{
	if (worker->ready)
		return;
	counts_begin(&worker->group, m);
	counts_begin(&worker->overlap, m);
	worker->tags = alloc(m, sizeof *worker->tags);
	worker->strength = alloc(m, sizeof *worker->strength);
	worker->order = alloc(m, sizeof *worker->order);
	worker->ready = true;
}

static void worker_end(struct worker *worker)
{
	counts_end(&worker->group);
	counts_end(&worker->overlap);
	count_distribution_free(&worker->distribution);
	free(worker->tags);
	free(worker->strength);
	free(worker->order);
}

/* A tenth with members and others: who has the tag. */
struct tag_stratum {
	double draws, others;          /* members, and those compared with */
	size_t members, other_members; /* of them, who have the tag */
};

double contrast_p(struct count_distribution *distribution,
		  const struct stratum *strata, size_t count, size_t members)
{
	double variance = strata_variance(strata, count), z, p;

	if (variance <= 0)
		return 1;
	z = fabs((double)members - strata_mean(strata, count)) / sqrt(variance);
	if (variance > LARGE || (variance > MIDDLE && z > FAR)) {
		p = erfc(z / sqrt(2));
	} else {
		count_distribution_make(distribution, strata, count,
					negligible);
		p = count_distribution_mid_p(distribution, members);
	}
	return p > CONTRAST_MIN_P ? p : CONTRAST_MIN_P;
}

struct wilson {
	double low, high;
};

/* Wilson's interval of a share of n. */
static struct wilson wilson_interval(double share, double n)
{
	double z2 = quantile * quantile;
	double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
	double half = quantile / (1 + z2 / n) *
		      sqrt(share * (1 - share) / n + z2 / (4 * n * n));

	return (struct wilson){fmax(middle - half, 0), fmin(middle + half, 1)};
}

/* How many customers, drawn at random, would give the rate of the others, which
 * is weighted by the members' tenths, its variance. */
static double effective_size(const struct tag_stratum *strata, size_t count,
			     double compared)
{
	double mean = 0, variance = 0;

	for (size_t i = 0; i < count; i++) {
		double weight = strata[i].draws / compared;
		/* Not 0 nor 1, so that a small tenth has a variance. */
		double share = ((double)strata[i].other_members + 0.5) /
			       (strata[i].others + 1);

		mean += weight * share;
		variance += weight * weight * share * (1 - share) /
			    strata[i].others;
	}
	return mean * (1 - mean) / variance;
}

/* The ratio of two rates and its interval, from theirs.  The lower limit, which
 * divides by a difference that may be 0, is written with the root below. */
static void set_ratio(struct contrast_tag *tag, double rate, struct wilson own,
		      double other, struct wilson others)
{
	double product = rate * other, square = product * product;
	double low_part = own.low * (2 * rate - own.low);
	double high_part = own.high * (2 * rate - own.high);
	double low_other = others.high * (2 * other - others.high);
	double high_other = others.low * (2 * other - others.low);
	double below = product + sqrt(fmax(square - low_part * low_other, 0));
	double above = product + sqrt(fmax(square - high_part * high_other, 0));

	tag->times = other > 0 ? rate / other : INFINITY;
	tag->low = below > 0 ? low_part / below : 0;
	tag->high = high_other > 0 ? above / high_other : INFINITY;
}

/* The strata of a tag, and their number. */
static size_t view_strata(const struct contrast *contrast,
			  const struct worker *worker, size_t tag,
			  struct tag_stratum strata[TENTHS])
{
	const struct tag_counts *all = &contrast->all;
	size_t count = 0;

	for (size_t t = 0; t < TENTHS; t++) {
		size_t others =
			all->customers[t] - worker->overlap.customers[t];
		size_t at = tag * TENTHS + t;

		if (worker->group.customers[t] == 0 || others == 0)
			continue;
		strata[count++] = (struct tag_stratum){
			.draws = (double)worker->group.customers[t],
			.others = (double)others,
			.members = worker->group.holders[at],
			.other_members =
				all->holders[at] - worker->overlap.holders[at],
		};
	}
	return count;
}

/* Set a tag's figures; false where too few customers have it. */
static bool compare_tag(const struct contrast *contrast, struct worker *worker,
			struct contrast_tag *tag, size_t compared)
{
	struct tag_stratum strata[TENTHS];
	struct stratum drawn[TENTHS];
	size_t count = view_strata(contrast, worker, tag->tag, strata);
	size_t others = 0, all_others = 0;
	double n = (double)compared, size, rate, other;

	for (size_t i = 0; i < count; i++) {
		tag->members += strata[i].members;
		others += strata[i].other_members;
		tag->expected += strata[i].draws *
				 (double)strata[i].other_members /
				 strata[i].others;
		drawn[i] = (struct stratum){
			.customers =
				(int64_t)(strata[i].draws + strata[i].others),
			.holders = (int64_t)(strata[i].members +
					     strata[i].other_members),
			.draws = (size_t)strata[i].draws};
	}
	if (tag->members + others < contrast->options->min_members)
		return false;
	tag->p = contrast_p(&worker->distribution, drawn, count, tag->members);
	rate = (double)tag->members / n;
	other = tag->expected / n;
	size = effective_size(strata, count, n);
	set_ratio(tag, rate, wilson_interval(rate, n), other,
		  wilson_interval(other, size));
	for (size_t t = 0; t < TENTHS; t++)
		all_others += contrast->all.holders[tag->tag * TENTHS + t] -
			      worker->overlap.holders[tag->tag * TENTHS + t];
	size_t own = 0;
	for (size_t t = 0; t < TENTHS; t++)
		own += worker->group.holders[tag->tag * TENTHS + t];
	tag->mean = worker->group.sums[tag->tag] / (double)own;
	tag->mean_others = (contrast->all.sums[tag->tag] -
			    worker->overlap.sums[tag->tag]) /
			   (double)all_others;
	return true;
}

/* ----------------------------------------------------------------- listing */

static int by_p(const void *a, const void *b, void *context)
{
	const struct contrast_tag *tags = context;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	if (tags[x].p != tags[y].p)
		return tags[x].p < tags[y].p ? -1 : 1;
	return (x > y) - (x < y);
}

/* Half the Poisson deviance: how much evidence there is. */
static double strength_of(const struct contrast_tag *tag)
{
	double members = (double)tag->members;
	/* None of the others: as if half a member were expected. */
	double expected = fmax(tag->expected, 0.5);

	return members * log(members / expected) - members + expected;
}

static int by_strength(const void *a, const void *b, void *context)
{
	const struct contrast_tag *x = a, *y = b;
	const double *strength = context;

	if (strength[x->tag] != strength[y->tag])
		return strength[x->tag] > strength[y->tag] ? -1 : 1;
	return (x->tag > y->tag) - (x->tag < y->tag);
}

static struct contrast_tag *new_list(const struct worker *worker, size_t count,
				     bool more, size_t *length)
{
	struct contrast_tag *list = alloc(count + 1, sizeof *list);

	*length = 0;
	for (size_t i = 0; i < count; i++) {
		const struct contrast_tag *tag =
			&worker->tags[worker->order[i]];

		if ((tag->times > 1) == more)
			list[(*length)++] = *tag;
	}
	qsort_r(list, *length, sizeof *list, by_strength, worker->strength);
	return list;
}

/* Benjamini and Hochberg: of the tags by rising p, up to the last whose p is at
 * most rate * rank / how many. */
static void list_tags(const struct contrast *contrast, struct worker *worker,
		      struct contrast_group *result)
{
	size_t last = 0, kept = 0;

	for (size_t i = 0; i < result->tested; i++)
		worker->order[i] = i;
	qsort_r(worker->order, result->tested, sizeof *worker->order, by_p,
		worker->tags);
	for (size_t i = 0; i < result->tested; i++)
		if (worker->tags[worker->order[i]].p <=
		    contrast->options->rate * (double)(i + 1) /
			    (double)result->tested)
			last = i + 1;
	for (size_t i = 0; i < last; i++) {
		size_t at = worker->order[i];
		const struct contrast_tag *tag = &worker->tags[at];

		if (tag->members < contrast->options->min_members)
			continue;
		worker->strength[tag->tag] = strength_of(tag);
		worker->order[kept++] = at;
	}
	result->more = new_list(worker, kept, true, &result->more_count);
	result->fewer = new_list(worker, kept, false, &result->fewer_count);
}

static bool may_compare(const struct contrast *contrast, size_t row)
{
	return contrast->options->against == NULL ||
	       bitset_test(contrast->options->against, row);
}

/* Count the group's rows; sets its numbers of customers. */
static void count_group(const struct contrast *contrast, struct worker *worker,
			size_t group, struct contrast_group *result)
{
	counts_clear(&worker->group, contrast->matrix->m);
	counts_clear(&worker->overlap, contrast->matrix->m);
	for (size_t i = contrast->first[group]; i < contrast->first[group + 1];
	     i++) {
		size_t row = contrast->rows[i];

		count_row(&worker->group, contrast->matrix, row);
		if (may_compare(contrast, row))
			count_row(&worker->overlap, contrast->matrix, row);
	}
	for (size_t t = 0; t < TENTHS; t++) {
		size_t others = contrast->all.customers[t] -
				worker->overlap.customers[t];

		result->others += others;
		if (others > 0)
			result->compared += worker->group.customers[t];
	}
}

static void compare_group(void *shared, size_t group, unsigned thread)
{
	const struct contrast *contrast = shared;
	const struct contrast_options *options = contrast->options;
	struct contrast_group *result = &contrast->result[group];
	struct worker *worker = &contrast->workers[thread];
	size_t m = contrast->matrix->m;

	result->customers = contrast->first[group + 1] - contrast->first[group];
	if (result->customers < options->min_group)
		return;
	worker_begin(worker, m);
	count_group(contrast, worker, group, result);
	if (result->compared < options->min_group)
		return;
	for (size_t tag = 0; tag < m; tag++) {
		struct contrast_tag *next = &worker->tags[result->tested];

		if (options->skipped != NULL && options->skipped[tag])
			continue;
		*next = (struct contrast_tag){.tag = (uint32_t)tag};
		result->tested +=
			compare_tag(contrast, worker, next, result->compared);
	}
	list_tags(contrast, worker, result);
}

/* -------------------------------------------------------------- all groups */

static const char *check_rows(const struct csr_matrix *matrix)
{
	for (size_t row = 0; row < matrix->n; row++) {
		const char *error = csr_matrix_check_row(matrix, row);

		if (error != NULL)
			return error;
		if (matrix->tenth[row] >= TENTHS)
			return error_text("row %zu is damaged: tenth %u", row,
					  matrix->tenth[row]);
	}
	return NULL;
}

/* The rows in groups, group after group; first (groups + 1) is set. */
static size_t *sort_rows(const uint32_t *group, size_t n, size_t groups,
			 size_t *first)
{
	size_t *rows = alloc(n + 1, sizeof *rows);
	size_t *next = alloc(groups + 1, sizeof *next);

	for (size_t row = 0; row < n; row++)
		if (group[row] != CONTRAST_NONE)
			first[group[row] + 1]++;
	for (size_t g = 0; g < groups; g++)
		first[g + 1] += first[g];
	memcpy(next, first, groups * sizeof *next);
	for (size_t row = 0; row < n; row++)
		if (group[row] != CONTRAST_NONE)
			rows[next[group[row]]++] = row;
	free(next);
	return rows;
}

const char *contrast_compute(const struct csr_matrix *matrix,
			     const uint32_t *group, size_t groups,
			     const struct contrast_options *options,
			     struct contrast_group *result)
{
	const char *error = check_rows(matrix);
	size_t *first, *rows;

	if (error != NULL)
		return error;
	first = alloc(groups + 1, sizeof *first);
	rows = sort_rows(group, matrix->n, groups, first);
	struct contrast contrast = {
		.matrix = matrix,
		.options = options,
		.rows = rows,
		.first = first,
		.result = result,
		.workers = alloc(options->threads, sizeof(struct worker)),
	};
	counts_begin(&contrast.all, matrix->m);
	for (size_t row = 0; row < matrix->n; row++)
		if (may_compare(&contrast, row))
			count_row(&contrast.all, matrix, row);
	memset(result, 0, groups * sizeof *result);
	thread_pool_run(options->threads, groups, compare_group, &contrast);
	for (unsigned i = 0; i < options->threads; i++)
		worker_end(&contrast.workers[i]);
	counts_end(&contrast.all);
	free(contrast.workers);
	free(first);
	free(rows);
	return NULL;
}

void contrast_free(struct contrast_group *result, size_t groups)
{
	for (size_t i = 0; i < groups; i++) {
		free(result[i].more);
		free(result[i].fewer);
	}
}
