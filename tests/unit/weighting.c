/* weighting: the values of a matrix, against those computed by hand. */
#include "model/weighting.h"

#include <math.h>
#include <stdio.h>

static int failures;

static void expect(const char *what, double value, double expected)
{
	if (fabs(value - expected) <= 1e-15 * fmax(1, fabs(expected)))
		return;
	printf("%s: %.17g, expected %.17g\n", what, value, expected);
	failures++;
}

static void test_damp(void)
{
	expect("none", weighting_damp(DAMP_NONE, -3), -3);
	expect("log", weighting_damp(DAMP_LOG, 1), log(2));
	expect("log of a negative", weighting_damp(DAMP_LOG, -1), -log(2));
	expect("sqrt", weighting_damp(DAMP_SQRT, 9), 3);
	expect("sqrt of a negative", weighting_damp(DAMP_SQRT, -9), -3);
	expect("log of 0", weighting_damp(DAMP_LOG, 0), 0);
}

static void test_column(void)
{
	expect("none", weighting_column(WEIGHT_NONE, 8, 2), 1);
	expect("idf", weighting_column(WEIGHT_IDF, 8, 2), log(4));
	expect("sqrt-idf", weighting_column(WEIGHT_SQRT_IDF, 8, 2),
	       sqrt(log(4)));
	expect("a tag of all", weighting_column(WEIGHT_IDF, 8, 8), 0);
	expect("a tag of no one", weighting_column(WEIGHT_NONE, 8, 0), 0);
}

static void test_row(void)
{
	static const double weight[] = {2, 100, 0.5};
	struct matrix_entry entries[] = {{2, 16}, {0, 4}};
	struct matrix_entry zeros[] = {{0, 0}, {1, 0}};
	double values[2];

	matrix_entry_sort(entries, 2);
	expect("first column", entries[0].column, 0);
	expect("second column", entries[1].column, 2);
	weighting_row(DAMP_SQRT, NORM_NONE, weight, entries, 2, values);
	expect("2 sqrt 4", values[0], 4);
	expect("0.5 sqrt 16", values[1], 2);
	weighting_row(DAMP_SQRT, NORM_L2, weight, entries, 2, values);
	expect("norm", hypot(values[0], values[1]), 1);
	expect("ratio", values[0] / values[1], 2);
	weighting_row(DAMP_LOG, NORM_L2, weight, zeros, 2, values);
	expect("a zero row", values[0], 0);
	weighting_row(DAMP_LOG, NORM_L2, weight, zeros, 0, values);
}

int main(void)
{
	test_damp();
	test_column();
	test_row();
	return failures > 0;
}
