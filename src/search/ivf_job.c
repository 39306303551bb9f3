#include "search/ivf_job.h"

#include <math.h>

#include "search/dot_vectors.h"

size_t ivf_job_row(struct ivf_job *job, size_t place, size_t self)
{
	int32_t row = job->index->rows[place];

	if (row < 0 || (size_t)row == self)
		return ROW_NONE;
	if ((size_t)row >= job->index->n) {
		job->bad_place = true;
		return ROW_NONE;
	}
	return search_allows(job->search, (size_t)row) ? (size_t)row : ROW_NONE;
}

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
	topk_push(list, METRIC_COSINE,
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

float ivf_job_threshold(const struct ivf_job *job, const struct topk *list)
{
	float low = (float)job->search->min_score;
	float threshold =
		job->search->count_matching ? -INFINITY : list->threshold;

	if ((double)low > job->search->min_score)
		low = nextafterf(low, -INFINITY);
	return threshold > low ? threshold : low;
}
