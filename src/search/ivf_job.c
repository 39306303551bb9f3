#include "search/ivf_job.h"

#include <math.h>

#include "search/dot_vectors.h"

void ivf_job_push(struct ivf_job *job, struct topk *list, const float *unit,
		  size_t row, float *scratch)
{
	size_t d = job->index->d;
	const float *vector = job->index->rows_of + row * d;
	double square = dot_square_norm(vector, d);

	if (!isfinite(square) || square == 0) {
		job->bad_row = row;
		return;
	}
	dot_scale(scratch, vector, d, 1 / sqrt(square));
	topk_push(list, METRIC_EMBEDDING,
		  job->filter.kernel->exact_pair(unit, scratch, d),
		  (uint32_t)row);
}

void ivf_job_begin_lists(struct ivf_job *job, size_t first, size_t end)
{
	size_t limit = job->search->limit;

	if (limit > job->index->n)
		limit = job->index->n;
	for (size_t i = first; i < end; i++)
		topk_begin(&job->lists[i], limit, job->search->min_score);
}
