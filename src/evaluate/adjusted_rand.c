#include "evaluate/adjusted_rand.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Pairs of customers. */
static double pairs(double count)
{
	return count * (count - 1) / 2;
}

/* The index of a table of counts less another (NULL: none). */
static double index_of(const double *all, const double *less, size_t rows,
		       size_t columns)
{
	double *column = alloc(columns + 1, sizeof *column);
	double same = 0, of_rows = 0, of_columns = 0, n = 0;

	for (size_t i = 0; i < rows; i++) {
		double row = 0;

		for (size_t j = 0; j < columns; j++) {
			double count = all[i * columns + j] -
				       (less ? less[i * columns + j] : 0);

			same += pairs(count);
			row += count;
			column[j] += count;
		}
		of_rows += pairs(row);
		n += row;
	}
	for (size_t j = 0; j < columns; j++)
		of_columns += pairs(column[j]);
	free(column);
	double expected = n > 1 ? of_rows * of_columns / pairs(n) : 0;
	double most = (of_rows + of_columns) / 2;

	/* A partition of one group agrees with any as chance does. */
	return most > expected && of_rows < pairs(n) && of_columns < pairs(n)
		       ? (same - expected) / (most - expected)
		       : 0;
}

double adjusted_rand(const uint32_t *a, size_t a_groups, const uint32_t *b,
		     size_t b_groups, size_t n, double *without)
{
	size_t cells = alloc_product(a_groups, b_groups);
	double *all = alloc(cells + 1, sizeof *all);
	double *piece = alloc(alloc_product(cells, ADJUSTED_RAND_PIECES) + 1,
			      sizeof *piece);
	double value;

	for (size_t i = 0; i < n; i++) {
		size_t cell = (size_t)a[i] * b_groups + b[i];

		all[cell]++;
		piece[i % ADJUSTED_RAND_PIECES * cells + cell]++;
	}
	value = index_of(all, NULL, a_groups, b_groups);
	for (size_t p = 0; p < ADJUSTED_RAND_PIECES && without != NULL; p++)
		without[p] =
			index_of(all, piece + p * cells, a_groups, b_groups);
	free(all);
	free(piece);
	return value;
}
