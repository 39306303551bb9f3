/* bootstrap: the last row is the sums and medians as they are, draws do not
 * depend on threads, the interval of a mean is that of theory, and a figure
 * less itself is 0. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "evaluate/bootstrap.h"

enum { CUSTOMERS = 400, ROUNDS = 2000 };

static double mean(const void *context, const double *sums,
		   const double *medians)
{
	(void)context;
	(void)medians;
	return sums[0] / CUSTOMERS;
}

static double median(const void *context, const double *sums,
		     const double *medians)
{
	(void)context;
	(void)sums;
	return medians[0];
}

static double first(const void *context, const double *sums,
		    const double *medians)
{
	(void)context;
	(void)medians;
	return sums[0];
}

static double difference(const void *context, const double *sums,
			 const double *medians)
{
	return mean(context, sums, medians) - mean(context, sums + 1, medians);
}

static int check(const char *what, double found, double expected,
		 double tolerance)
{
	if (fabs(found - expected) <= tolerance)
		return 0;
	printf("%s: %g, expected %g\n", what, found, expected);
	return 1;
}

/* Of 200 draws the five lowest and the five highest are left out. */
static int check_limits(void)
{
	double sums[201];
	int wrong = 0;

	for (size_t i = 0; i < 200; i++)
		sums[i] = (double)(i * 7 % 200);
	sums[200] = 1000;
	struct interval interval = bootstrap_interval(
		&(struct bootstrap){.sums = sums, .columns = 1, .rounds = 200},
		first, NULL);
	wrong |= check("the value", interval.value, 1000, 0);
	wrong |= check("the lower limit", interval.low, 5, 0);
	wrong |= check("the upper limit", interval.high, 194, 0);
	return wrong;
}

int main(void)
{
	/* Two equal columns of normal numbers; ranks 1 to CUSTOMERS. */
	double values[2 * CUSTOMERS], ranks[CUSTOMERS], sum = 0, square = 0;
	int failed = 0;

	for (size_t i = 0; i < CUSTOMERS; i++) {
		values[i] = values[CUSTOMERS + i] = 5 + random_normal(3, i);
		ranks[i] = (double)((i * 7) % CUSTOMERS + 1);
		sum += values[i];
	}
	for (size_t i = 0; i < CUSTOMERS; i++)
		square += pow(values[i] - sum / CUSTOMERS, 2);
	struct bootstrap one = {.values = values,
				.columns = 2,
				.ranks = ranks,
				.medians = 1,
				.customers = CUSTOMERS,
				.rounds = ROUNDS,
				.seed = 1,
				.threads = 1};
	struct bootstrap three = one;

	three.threads = 3;
	bootstrap_run(&one);
	bootstrap_run(&three);
	if (memcmp(one.sums, three.sums, (ROUNDS + 1) * 2 * sizeof *one.sums) !=
		    0 ||
	    memcmp(one.middle, three.middle,
		   (ROUNDS + 1) * sizeof *one.middle) != 0) {
		puts("threads change the draws");
		failed = 1;
	}

	struct interval of_mean = bootstrap_interval(&one, mean, NULL);
	struct interval of_median = bootstrap_interval(&one, median, NULL);
	struct interval of_none = bootstrap_interval(&one, difference, NULL);
	double error = sqrt(square / CUSTOMERS / CUSTOMERS);
	failed |= check("mean", of_mean.value, sum / CUSTOMERS, 1e-12);
	failed |= check("low", of_mean.low, of_mean.value - 1.96 * error,
			0.2 * error);
	failed |= check("high", of_mean.high, of_mean.value + 1.96 * error,
			0.2 * error);
	failed |= check("median", of_median.value, CUSTOMERS / 2, 0);
	/* The median of n uniform ranks has standard error n / (2 sqrt n). */
	failed |= check("median's width", of_median.high - of_median.low,
			2 * 1.96 * CUSTOMERS / (2 * sqrt(CUSTOMERS)), 8);
	failed |= check("difference", fabs(of_none.low) + fabs(of_none.high), 0,
			0);
	failed |= check_limits();
	bootstrap_free(&one);
	bootstrap_free(&three);
	return failed;
}
