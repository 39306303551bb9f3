#include "evaluate/bootstrap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/thread_pool.h"

struct bootstrap_job {
	struct bootstrap *bootstrap;
	uint32_t *order; /* medians x customers: customers by rising rank */
	uint32_t *times; /* threads x customers: how often each was drawn */
};

struct ranked {
	double rank;
	uint32_t customer;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank < y->rank || x->rank > y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->customer > y->customer) - (x->customer < y->customer);
}

static void put_in_order(const double *ranks, size_t customers, uint32_t *order)
{
	struct ranked *ranked = alloc(customers, sizeof *ranked);

	for (size_t i = 0; i < customers; i++)
		ranked[i] = (struct ranked){ranks[i], (uint32_t)i};
	qsort(ranked, customers, sizeof *ranked, by_rank);
	for (size_t i = 0; i < customers; i++)
		order[i] = ranked[i].customer;
	free(ranked);
}

static void draw(struct bootstrap_job *job, size_t round, uint32_t *times)
{
	size_t customers = job->bootstrap->customers;
	bool as_is = round == job->bootstrap->rounds;

	for (size_t i = 0; i < customers; i++)
		times[i] = as_is;
	for (size_t i = 0; i < customers && !as_is; i++) {
		uint64_t counter = (uint64_t)round * customers + i;
		double at = random_uniform(job->bootstrap->seed, counter);
		times[(size_t)(at * (double)customers)]++;
	}
}

/* The rank below or at which at least half of the drawn are. */
static double median(const double *ranks, const uint32_t *order,
		     const uint32_t *times, size_t customers)
{
	size_t seen = 0, i = 0;

	for (; i + 1 < customers; i++) {
		seen += times[order[i]];
		if (2 * seen >= customers)
			break;
	}
	return ranks[order[i]];
}

static void run_round(void *shared, size_t round, unsigned thread)
{
	struct bootstrap_job *job = shared;
	const struct bootstrap *bootstrap = job->bootstrap;
	size_t customers = bootstrap->customers;
	uint32_t *times = job->times + thread * customers;

	draw(job, round, times);
	for (size_t c = 0; c < bootstrap->columns; c++) {
		const double *values = bootstrap->values + c * customers;
		double sum = 0;
		for (size_t i = 0; i < customers; i++)
			sum += times[i] * values[i];
		bootstrap->sums[round * bootstrap->columns + c] = sum;
	}
	for (size_t c = 0; c < bootstrap->medians; c++)
		bootstrap->middle[round * bootstrap->medians + c] =
			median(bootstrap->ranks + c * customers,
			       job->order + c * customers, times, customers);
}

void bootstrap_run(struct bootstrap *bootstrap)
{
	struct bootstrap_job job = {.bootstrap = bootstrap};
	size_t customers = bootstrap->customers, medians = bootstrap->medians;
	size_t rounds = bootstrap->rounds;
	unsigned threads = bootstrap->threads;

	bootstrap->sums =
		alloc(alloc_product(rounds + 1, bootstrap->columns + 1),
		      sizeof *bootstrap->sums);
	bootstrap->middle = alloc(alloc_product(rounds + 1, medians + 1),
				  sizeof *bootstrap->middle);
	job.order =
		alloc(alloc_product(customers, medians + 1), sizeof *job.order);
	for (size_t c = 0; c < medians; c++)
		put_in_order(bootstrap->ranks + c * customers, customers,
			     job.order + c * customers);
	job.times = alloc(alloc_product(threads, customers), sizeof *job.times);
	thread_pool_run(threads, rounds + 1, run_round, &job);
	free(job.order);
	free(job.times);
}

void bootstrap_free(struct bootstrap *bootstrap)
{
	free(bootstrap->sums);
	free(bootstrap->middle);
	*bootstrap = (struct bootstrap){0};
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct interval bootstrap_interval(const struct bootstrap *bootstrap,
				   double (*figure)(const void *context,
						    const double *sums,
						    const double *medians),
				   const void *context)
{
	size_t rounds = bootstrap->rounds;
	double *values = alloc(rounds + 1, sizeof *values);
	struct interval interval;

	for (size_t r = 0; r <= rounds; r++)
		values[r] = figure(context,
				   bootstrap->sums + r * bootstrap->columns,
				   bootstrap->middle + r * bootstrap->medians);
	interval.value = values[rounds];
	qsort(values, rounds, sizeof *values, by_value);
	interval.low = values[rounds * 25 / 1000];
	interval.high = values[rounds - 1 - rounds * 25 / 1000];
	free(values);
	return interval;
}
