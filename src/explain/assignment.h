/* assignment: the pairing of rows with columns of the largest sum (Kuhn, Naval
 * Research Logistics Quarterly 2, 1955; in the form of Jonker and Volgenant,
 * Computing 38, 1987). */
#ifndef EXPLAIN_ASSIGNMENT_H
#define EXPLAIN_ASSIGNMENT_H

#include <stddef.h>

/* column[i] becomes the column that row i is paired with, each once, such that
 * the sum of worth[i * n + column[i]] is the largest; worth is n x n.  Ties are
 * broken alike every time.  O(n^3). */
void assignment_solve(const double *worth, size_t n, size_t *column);

#endif
