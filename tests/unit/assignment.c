/* assignment against all pairings. */
#include "cases.h"
#include "explain/assignment.h"

enum { MOST = 6 };

/* The largest sum of the rows from row on with columns that are not used. */
static double best_sum(const double *worth, size_t n, size_t row, unsigned used)
{
	double best = -1e300;

	if (row == n)
		return 0;
	for (size_t column = 0; column < n; column++)
		if (!(used >> column & 1)) {
			double sum = worth[row * n + column] +
				     best_sum(worth, n, row + 1,
					      used | 1u << column);
			best = sum > best ? sum : best;
		}
	return best;
}

static int run_case(void)
{
	size_t n = chance(MOST + 1), column[MOST], again[MOST];
	double worth[MOST * MOST], sum = 0;
	unsigned used = 0;

	for (size_t i = 0; i < n * n; i++)
		worth[i] = (double)chance(seed % 3 ? 1000 : 3);
	assignment_solve(worth, n, column);
	assignment_solve(worth, n, again);
	for (size_t i = 0; i < n; i++) {
		if (column[i] >= n || used >> column[i] & 1)
			return fail("not a pairing");
		if (column[i] != again[i])
			return fail("another pairing the second time");
		used |= 1u << column[i];
		sum += worth[i * n + column[i]];
	}
	if (sum != best_sum(worth, n, 0, 0))
		return fail("not the largest sum");
	return 0;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, 2000, run_case);
}
