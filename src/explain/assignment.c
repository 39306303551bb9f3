#include "explain/assignment.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Prices of rows and columns, and the pairing so far; rows and columns count
 * from 1, and 0 is none. */
struct prices {
	const double *worth;
	size_t n;
	double *row, *column; /* n + 1 */
	size_t *paired;       /* n + 1: the row of each column */
	size_t *before;       /* n + 1: the column before on the path */
	double *slack;        /* n + 1 */
	bool *seen;           /* n + 1 */
};

/* The cheapest column that is not seen yet, after slacks are lowered by the row
 * of a column. */
static size_t next_column(struct prices *p, size_t from, double *delta)
{
	size_t row = p->paired[from], next = 0;

	*delta = INFINITY;
	for (size_t j = 1; j <= p->n; j++) {
		double cost;

		if (p->seen[j])
			continue;
		cost = -p->worth[(row - 1) * p->n + j - 1] - p->row[row] -
		       p->column[j];
		if (cost < p->slack[j]) {
			p->slack[j] = cost;
			p->before[j] = from;
		}
		if (p->slack[j] < *delta) {
			*delta = p->slack[j];
			next = j;
		}
	}
	return next;
}

/* Pair one row more: the shortest path to a free column. */
static void add_row(struct prices *p, size_t row)
{
	size_t column = 0;

	for (size_t j = 0; j <= p->n; j++) {
		p->slack[j] = INFINITY;
		p->seen[j] = false;
	}
	p->paired[0] = row;
	do {
		double delta;
		size_t next;

		p->seen[column] = true;
		next = next_column(p, column, &delta);
		for (size_t j = 0; j <= p->n; j++)
			if (p->seen[j]) {
				p->row[p->paired[j]] += delta;
				p->column[j] -= delta;
			} else {
				p->slack[j] -= delta;
			}
		column = next;
	} while (p->paired[column] != 0);
	while (column != 0) {
		p->paired[column] = p->paired[p->before[column]];
		column = p->before[column];
	}
}

void assignment_solve(const double *worth, size_t n, size_t *column)
{
	struct prices p = {
		.worth = worth,
		.n = n,
		.row = alloc(n + 1, sizeof *p.row),
		.column = alloc(n + 1, sizeof *p.column),
		.paired = alloc(n + 1, sizeof *p.paired),
		.before = alloc(n + 1, sizeof *p.before),
		.slack = alloc(n + 1, sizeof *p.slack),
		.seen = alloc(n + 1, sizeof *p.seen),
	};

	for (size_t row = 1; row <= n; row++)
		add_row(&p, row);
	for (size_t j = 1; j <= n; j++)
		column[p.paired[j] - 1] = j - 1;
	free(p.row);
	free(p.column);
	free(p.paired);
	free(p.before);
	free(p.slack);
	free(p.seen);
}
