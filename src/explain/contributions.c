#include "explain/contributions.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Four sums, of columns j mod 4, so that additions overlap. */
static double product(const double *a, const double *b, size_t k)
{
	double sums[4] = {0};
	size_t j = 0;

	for (; j + 4 <= k; j += 4)
		for (size_t l = 0; l < 4; l++)
			sums[l] += a[j + l] * b[j + l];
	for (; j < k; j++)
		sums[j % 4] += a[j] * b[j];
	return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

static double spread_of(enum scale scale, double sigma)
{
	switch (scale) {
	case SCALE_SQRT:
		return 1 / sqrt(sigma);
	case SCALE_U:
		return 1 / sigma;
	default:
		return 1;
	}
}

void contributions_begin(struct contributions *reasons,
			 const struct model *model, enum metric metric)
{
	size_t k = model->k;

	*reasons = (struct contributions){
		.model = model,
		.metric = metric,
		.share = 1,
	};
	reasons->spread = alloc(k, sizeof(double));
	for (size_t j = 0; j < k; j++)
		reasons->spread[j] = spread_of(model->scale, model->sigma[j]);
	if (model->center == CENTER_NONE)
		return;
	reasons->center = alloc(k, sizeof(double));
	for (size_t tag = 0; tag < model->matrix.m; tag++) {
		double mean = model->mean ? model->mean[tag] : 1;

		for (size_t j = 0; j < k; j++)
			reasons->center[j] +=
				mean * model->components[tag * k + j];
	}
}

void contributions_end(struct contributions *reasons)
{
	free(reasons->spread);
	free(reasons->center);
	*reasons = (struct contributions){0};
}

void side_begin(struct side *side, const struct contributions *reasons)
{
	*side = (struct side){0};
	side->spread = alloc(reasons->model->k, sizeof(double));
}

void side_end(struct side *side)
{
	free(side->spread);
	*side = (struct side){0};
}

/* How much of reasons.center the row lost: its mean over all tags, or, where
 * that is of means already, once for each row that it is the sum of. */
static double shift_of(const struct side *side, const struct model *model)
{
	double sum = 0;

	if (model->center != CENTER_ROW)
		return model->shift;
	for (size_t i = 0; i < side->row.count; i++)
		sum += (double)side->row.values[i];
	return sum / (double)model->matrix.m;
}

const char *contributions_row(const struct csr_matrix *matrix, size_t row,
			      struct row *taken)
{
	const char *error = csr_matrix_check_row(matrix, row);
	double square = 0;

	if (error != NULL)
		return error;
	taken->tags = matrix->indices + matrix->indptr[row];
	taken->values = matrix->values + matrix->indptr[row];
	taken->count = (size_t)(matrix->indptr[row + 1] - matrix->indptr[row]);
	for (size_t i = 0; i < taken->count; i++)
		square += (double)taken->values[i] * (double)taken->values[i];
	taken->length = sqrt(square);
	return NULL;
}

double contributions_cosine(const struct row *a, const struct row *b)
{
	double sum = 0;

	for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
		if (a->tags[i] == b->tags[j])
			sum += (double)a->values[i] * (double)b->values[j];
		int32_t tag = a->tags[i];
		i += tag <= b->tags[j];
		j += b->tags[j] <= tag;
	}
	return sum == 0 ? 0 : sum / (a->length * b->length);
}

const char *side_set(struct side *side, const struct contributions *reasons,
		     const struct model *model, size_t row)
{
	const struct csr_matrix *matrix = &model->matrix;
	const float *embedding = model->embedding + row * model->k;
	const char *error = contributions_row(matrix, row, &side->row);

	if (error != NULL)
		return error;
	for (size_t j = 0; j < model->k; j++)
		side->spread[j] = (double)embedding[j] * reasons->spread[j];
	side->length = reasons->metric == METRIC_DOT
			       ? 1
			       : sqrt(dot_square_norm(embedding, model->k));
	side->shift = shift_of(side, model);
	return NULL;
}

/* What the centring took from every tag, of both sides. */
static double center_sum(const struct contributions *reasons,
			 const struct side *query, const struct side *other)
{
	size_t k = reasons->model->k;

	return -(query->shift * product(reasons->center, other->spread, k) +
		 other->shift * product(reasons->center, query->spread, k));
}

/* Both halves of a tag that one side has at place q of its tags, or the other
 * at place x of its, or both; *both becomes the product of their values. */
static double tag_sum(const struct contributions *reasons,
		      const struct side *query, const struct side *other,
		      size_t tag, size_t *q, size_t *x, double *both)
{
	size_t k = reasons->model->k;
	const double *loadings = reasons->model->components + tag * k;
	double of_query = 0, of_other = 0, sum = 0;

	if (*q < query->row.count && (size_t)query->row.tags[*q] == tag) {
		of_query = (double)query->row.values[(*q)++];
		sum += of_query * product(loadings, other->spread, k);
	}
	if (*x < other->row.count && (size_t)other->row.tags[*x] == tag) {
		of_other = (double)other->row.values[(*x)++];
		sum += of_other * product(loadings, query->spread, k);
	}
	*both = of_query * of_other;
	return sum;
}

static size_t next_tag(const struct side *query, const struct side *other,
		       size_t q, size_t x)
{
	size_t of_query =
		q < query->row.count ? (size_t)query->row.tags[q] : SIZE_MAX;
	size_t of_other =
		x < other->row.count ? (size_t)other->row.tags[x] : SIZE_MAX;

	return of_query < of_other ? of_query : of_other;
}

const char *contributions_parts(const struct contributions *reasons,
				const struct side *query,
				const struct side *other,
				struct contribution *parts, size_t *count)
{
	double half = 0.5 * reasons->share / (query->length * other->length);
	double rest =
		(1 - reasons->share) / (query->row.length * other->row.length);
	struct contribution *part = parts;

	if (reasons->center != NULL)
		*part++ = (struct contribution){
			REASONS_CENTER,
			half * center_sum(reasons, query, other),
		};
	for (size_t q = 0, x = 0;
	     q < query->row.count || x < other->row.count;) {
		size_t tag = next_tag(query, other, q, x);
		double both, sum = tag_sum(reasons, query, other, tag, &q, &x,
					   &both);

		sum *= half;
		if (reasons->share < 1 && both != 0)
			sum += rest * both;
		*part++ = (struct contribution){tag, sum};
	}
	*count = (size_t)(part - parts);
	for (size_t i = 0; i < *count; i++)
		if (!isfinite(parts[i].amount))
			return "a tag's part of a similarity is not finite";
	return NULL;
}

/* Larger magnitude first; REASONS_CENTER, whose name is empty, before every
 * tag, and tags ascend by bytes. */
static bool part_before(const struct contribution *a,
			const struct contribution *b)
{
	if (fabs(a->amount) != fabs(b->amount))
		return fabs(a->amount) > fabs(b->amount);
	return a->tag + 1 < b->tag + 1;
}

size_t contributions_largest(struct contribution *parts, size_t count,
			     size_t limit)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct contribution part = parts[i];
		size_t place = kept < limit ? kept : limit;

		while (place > 0 && part_before(&part, &parts[place - 1]))
			place--;
		if (place == limit)
			continue;
		kept += kept < limit;
		for (size_t j = kept - 1; j > place; j--)
			parts[j] = parts[j - 1];
		parts[place] = part;
	}
	return kept;
}
