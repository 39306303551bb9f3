#include "search/row_sample.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"
#include "search/dot_vectors.h"

/* The rows that are not zero vectors, ascending; sets *count. */
static uint32_t *nonzero_rows(const float *rows, size_t n, size_t d,
			      size_t *count)
{
	uint32_t *list = alloc(n, sizeof *list);

	*count = 0;
	for (size_t row = 0; row < n; row++)
		if (dot_square_norm(rows + row * d, d) > 0)
			list[(*count)++] = (uint32_t)row;
	return list;
}

void row_sample_draw(struct row_sample *sample, const float *rows, size_t n,
		     size_t d, size_t limit, uint64_t seed)
{
	size_t count;
	uint32_t *list = nonzero_rows(rows, n, d, &count);

	sample->d = d;
	sample->n = count < limit ? count : limit;
	sample->rows = alloc(alloc_product(sample->n, d), sizeof(float));
	sample->which = alloc(sample->n, sizeof *sample->which);
	for (size_t i = 0; i < sample->n; i++) {
		double place = (double)i + random_uniform(seed, i);
		size_t at =
			(size_t)(place * ((double)count / (double)sample->n));

		sample->which[i] = list[at < count ? at : count - 1];
		const float *from = rows + sample->which[i] * d;

		dot_scale(sample->rows + i * d, from, d,
			  1 / sqrt(dot_square_norm(from, d)));
	}
	free(list);
}

void row_sample_free(struct row_sample *sample)
{
	free(sample->rows);
	free(sample->which);
	*sample = (struct row_sample){0};
}
