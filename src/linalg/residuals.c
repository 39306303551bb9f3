#include "linalg/residuals.h"

#include <math.h>
#include <string.h>

#include "linalg/block_kernels.h"

void residuals_find(const double *sigma, const double *components, size_t m,
		    size_t k, size_t ld, const double *y, double *residual)
{
	memset(residual, 0, k * sizeof *residual);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < k; j++) {
			double off =
				y[(j / BLOCK_COLUMNS * m + i) * BLOCK_COLUMNS +
				  j % BLOCK_COLUMNS] /
					sigma[j] -
				sigma[j] * components[i * ld + j];
			residual[j] += off * off;
		}
	for (size_t j = 0; j < k; j++)
		residual[j] = sqrt(residual[j]) / sigma[0];
}
