#include "explain/stratified_count.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

double strata_mean(const struct stratum *strata, size_t count)
{
	double mean = 0;

	for (size_t i = 0; i < count; i++)
		if (strata[i].draws > 0)
			mean += (double)strata[i].draws *
				(double)strata[i].holders /
				(double)strata[i].customers;
	return mean;
}

double strata_variance(const struct stratum *strata, size_t count)
{
	double variance = 0;

	for (size_t i = 0; i < count; i++) {
		double n = (double)strata[i].customers;
		double share = (double)strata[i].holders / n;
		double draws = (double)strata[i].draws;

		if (strata[i].customers > 1)
			variance += draws * share * (1 - share) * (n - draws) /
				    (n - 1);
	}
	return variance;
}

/* The terms of one stratum: P(first + i) is p[i] for i < count. */
struct window {
	double *p;
	size_t first, count;
};

static void make_room(struct count_distribution *d, size_t needed)
{
	if (needed <= d->room)
		return;
	d->room = needed * 2;
	d->p = alloc_resize(d->p, d->room, sizeof *d->p);
	d->part = alloc_resize(d->part, d->room, sizeof *d->part);
	d->next = alloc_resize(d->next, d->room, sizeof *d->next);
}

/* How many of the draws have the tag.  Ratios of neighbouring terms from the
 * likeliest outwards, so that nothing overflows and no library function rounds
 * differently elsewhere. */
static struct window hypergeometric(struct count_distribution *d,
				    const struct stratum *stratum,
				    double negligible)
{
	double customers = (double)stratum->customers;
	double holders = (double)stratum->holders;
	double draws = (double)stratum->draws;
	double minimum = draws - (customers - holders), sum = 0, term = 1;
	double most = draws < holders ? draws : holders;
	double mode = (double)(int64_t)((draws + 1) * (holders + 1) /
					(customers + 2));
	double first, last;

	if (minimum < 0)
		minimum = 0;
	if (mode < minimum)
		mode = minimum;
	if (mode > most)
		mode = most;
	/* Where the terms become negligible, below the mode and above it. */
	for (first = mode; first > minimum && term > negligible; first--)
		term = term * first * (customers - holders - draws + first) /
		       ((holders - first + 1) * (draws - first + 1));
	term = 1;
	for (last = mode; last < most && term > negligible; last++)
		term = term * (holders - last) * (draws - last) /
		       ((last + 1) * (customers - holders - draws + last + 1));
	struct window window = {.first = (size_t)first,
				.count = (size_t)(last - first) + 1};
	make_room(d, window.count);
	window.p = d->part;
	window.p[(size_t)(mode - first)] = 1;
	for (double x = mode; x < last; x++)
		window.p[(size_t)(x - first) + 1] =
			window.p[(size_t)(x - first)] * (holders - x) *
			(draws - x) /
			((x + 1) * (customers - holders - draws + x + 1));
	for (double x = mode; x > first; x--)
		window.p[(size_t)(x - first) - 1] =
			window.p[(size_t)(x - first)] * x *
			(customers - holders - draws + x) /
			((holders - x + 1) * (draws - x + 1));
	for (size_t i = 0; i < window.count; i++)
		sum += window.p[i];
	for (size_t i = 0; i < window.count; i++)
		window.p[i] /= sum;
	return window;
}

/* The distribution of the sum so far and of one stratum more. */
static void convolve(struct count_distribution *d, struct window window,
		     double negligible)
{
	size_t count = d->count + window.count - 1;
	double *was;

	make_room(d, count);
	window.p = d->part;
	memset(d->next, 0, count * sizeof *d->next);
	for (size_t x = 0; x < d->count; x++)
		if (d->p[x] > negligible)
			for (size_t y = 0; y < window.count; y++)
				d->next[x + y] += d->p[x] * window.p[y];
	was = d->p;
	d->p = d->next;
	d->next = was;
	d->first += window.first;
	d->count = count;
	/* The ends that became negligible. */
	while (d->count > 1 && d->p[d->count - 1] <= negligible)
		d->count--;
	size_t skip = 0;
	while (skip + 1 < d->count && d->p[skip] <= negligible)
		skip++;
	if (skip > 0) {
		memmove(d->p, d->p + skip, (d->count - skip) * sizeof *d->p);
		d->first += skip;
		d->count -= skip;
	}
}

void count_distribution_make(struct count_distribution *distribution,
			     const struct stratum *strata, size_t count,
			     double negligible)
{
	make_room(distribution, 1);
	distribution->p[0] = 1;
	distribution->first = 0;
	distribution->count = 1;
	for (size_t i = 0; i < count; i++)
		if (strata[i].draws > 0)
			convolve(distribution,
				 hypergeometric(distribution, &strata[i],
						negligible),
				 negligible);
}

double count_distribution_upper(const struct count_distribution *distribution,
				size_t x)
{
	double sum = 0;

	for (size_t i = distribution->count;
	     i-- > 0 && distribution->first + i >= x;)
		sum += distribution->p[i];
	return sum;
}

/* P(the count is at most x), from the small end, too. */
static double lower_chance(const struct count_distribution *distribution,
			   size_t x)
{
	double sum = 0;

	for (size_t i = 0;
	     i < distribution->count && distribution->first + i <= x; i++)
		sum += distribution->p[i];
	return sum;
}

double count_distribution_mid_p(const struct count_distribution *distribution,
				size_t x)
{
	double at = x >= distribution->first && x - distribution->first <
							distribution->count
			    ? distribution->p[x - distribution->first]
			    : 0;
	double upper = count_distribution_upper(distribution, x) - at / 2;
	double lower = lower_chance(distribution, x) - at / 2;
	double p = 2 * (upper < lower ? upper : lower);

	return p < 1 ? p : 1;
}

void count_distribution_free(struct count_distribution *distribution)
{
	free(distribution->p);
	free(distribution->part);
	free(distribution->next);
	*distribution = (struct count_distribution){0};
}
